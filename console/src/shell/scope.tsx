// What the whole shell knows: where the person is, the clusters (live), their projects and workspaces, what extensions contribute here (live).
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import { projects as projectsQuery, workspaces as workspacesQuery } from '../api/queries';
import type { Cluster, Contribution, List, Project, Workspace } from '../api/types';
import { keepPlace } from '../home/last-place';
import { type Feed, useSnapshots } from '../live/snapshots';
import { usePath } from '../routing/link';
import { type Place, placePath, readPlace } from '../routing/paths';

export type Scope = {
  /** Undefined on pages that stand nowhere: home, settings. */
  place: Place | undefined;
  clusters: Feed<List<Cluster>>;
  projects: Project[];
  projectsKnown: boolean;
  workspaces: Workspace[];
  workspacesKnown: boolean;
  contributions: Contribution[];
  contributionsKnown: boolean;
};

const Context = createContext<Scope | undefined>(undefined);

/** What the shell knows. */
export function useScope(): Scope {
  const scope = useContext(Context);
  if (!scope) throw new Error('useScope outside of the shell');
  return scope;
}

/** The project of this page. Only for pages of a project. */
export function useProject(): { cluster: string; project: string; record: Project | undefined } {
  const { place, projects } = useScope();
  if (place?.area !== 'project') throw new Error('useProject outside of a project');
  const { cluster, project } = place;
  const record = projects.find((one) => one.cluster === cluster && one.name === project);
  return useMemo(() => ({ cluster, project, record }), [cluster, project, record]);
}

/** The cluster of this page with its phase, if it is known. */
export function useCluster(): Cluster | undefined {
  const { place, clusters } = useScope();
  const name = place && 'cluster' in place ? place.cluster : undefined;
  return clusters.value?.items?.find((one) => one.name === name);
}

/** ?safe=1 starts the console with no extensions at all. Kept as long as the tab lives, whatever page is next. */
const safe = new URLSearchParams(window.location.search).get('safe') === '1';

/** Whether the console runs without extensions. */
export const safeMode = (): boolean => safe;

function contributionsPath(place: Place | undefined): string {
  const query = new URLSearchParams({ watch: 'true' });
  if (place && 'cluster' in place) query.set('cluster', place.cluster);
  if (place && 'project' in place) query.set('project', place.project);
  if (place && 'workspace' in place) query.set('workspace', place.workspace);
  return `/api/v1/contributions?${query}`;
}

export function ScopeProvider({ children }: { children: ReactNode }) {
  const path = usePath();
  const key = JSON.stringify(readPlace(path) ?? null);
  const place = useMemo(() => (JSON.parse(key) as Place | null) ?? undefined, [key]);
  useEffect(() => {
    if (place?.area === 'project') keepPlace(placePath(place));
  }, [place]);
  const clusters = useSnapshots<List<Cluster>>('/api/v1/clusters?watch=true');
  const contributions = useSnapshots<List<Contribution>>(safe ? undefined : contributionsPath(place));
  const projects = useQuery({ ...projectsQuery(), refetchInterval: 15_000 });
  const workspaces = useQuery({ ...workspacesQuery(), refetchInterval: 60_000 });

  // A cluster that became ready, or was lost, changes what can be said about its projects.
  const queries = useQueryClient();
  const phases = (clusters.value?.items ?? []).map((one) => `${one.name}:${one.phase}`).join();
  useEffect(() => {
    if (phases) void queries.invalidateQueries({ queryKey: ['projects'] });
  }, [phases, queries]);

  const scope = useMemo<Scope>(
    () => ({
      place,
      clusters,
      projects: projects.data ?? [],
      projectsKnown: projects.data !== undefined,
      workspaces: workspaces.data ?? [],
      workspacesKnown: workspaces.data !== undefined,
      contributions: contributions.value?.items ?? [],
      contributionsKnown: safe || contributions.value !== undefined,
    }),
    [place, clusters, projects.data, workspaces.data, contributions.value],
  );
  return <Context value={scope}>{children}</Context>;
}
