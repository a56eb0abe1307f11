// The reads of the REST API that are asked for and kept (TanStack Query). What is live comes over the stream instead (src/live).
import { queryOptions } from '@tanstack/react-query';
import { api, call } from './client';
import { done, rest } from './rest';

type Page<T> = { items: T[] | null; continue?: string };
type Query = { limit: number; continue?: string };

/** All items of a list, page by page. */
async function all<T>(page: (query: Query) => Promise<{ data?: Page<T> }>): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const answer = await done(page({ limit: 500, continue: next }));
    items.push(...(answer.items ?? []));
    next = answer.continue;
  } while (next);
  return items;
}

export const projects = () =>
  queryOptions({
    queryKey: ['projects'],
    queryFn: ({ signal }) => all((query) => rest.GET('/api/v1/projects', { params: { query }, signal })),
  });

export const workspaces = () =>
  queryOptions({
    queryKey: ['workspaces'],
    queryFn: ({ signal }) => all((query) => rest.GET('/api/v1/workspaces', { params: { query }, signal })),
  });

/** The namespace of a project, of Kubernetes. */
export const namespace = ({ cluster, project }: { cluster: string; project: string }) =>
  queryOptions({
    queryKey: ['namespace', cluster, project],
    queryFn: ({ signal }) => call(api`/clusters/${cluster}/api/v1/namespaces/${project}`, { signal }),
  });

export const users = () =>
  queryOptions({
    queryKey: ['users'],
    queryFn: ({ signal }) => all((query) => rest.GET('/api/v1/users', { params: { query }, signal })),
  });

export const tokens = () =>
  queryOptions({
    queryKey: ['tokens'],
    queryFn: ({ signal }) => all((query) => rest.GET('/api/v1/tokens', { params: { query }, signal })),
  });

export const extensions = () =>
  queryOptions({
    queryKey: ['extensions'],
    queryFn: ({ signal }) => all((query) => rest.GET('/api/v1/extensions', { params: { query }, signal })),
    // What comes and goes is said over the stream; how they fare is asked.
    refetchInterval: 5_000,
  });

/** What an extension has used, in all and by whom. */
export const extensionUsage = (name: string) =>
  queryOptions({
    queryKey: ['extensions', name, 'usage'],
    queryFn: ({ signal }) => done(rest.GET('/api/v1/extensions/{name}/usage', { params: { path: { name } }, signal })),
    refetchInterval: 5_000,
  });

/** By whom one may be proven, besides a password of Atoll's own. Anybody may ask. */
export const providers = () =>
  queryOptions({
    queryKey: ['providers'],
    queryFn: async ({ signal }) => (await done(rest.GET('/api/v1/providers', { signal }))).items ?? [],
    staleTime: 60_000,
  });

export const info = () =>
  queryOptions({
    queryKey: ['info'],
    queryFn: ({ signal }) => done(rest.GET('/api/v1/info', { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Where members are kept: of a project or of a workspace. */
export type MembersOf = { workspace: string } | { cluster: string; project: string };

export const members = (of: MembersOf) =>
  queryOptions({
    queryKey: ['members', of],
    queryFn: ({ signal }) =>
      all((query) =>
        'workspace' in of
          ? rest.GET('/api/v1/workspaces/{workspace}/members', { params: { path: of, query }, signal })
          : rest.GET('/api/v1/clusters/{cluster}/projects/{project}/members', { params: { path: of, query }, signal }),
      ),
  });

/** Gives a person a role, or another one. */
export const putMember = (of: MembersOf, user: string, role: string) =>
  'workspace' in of
    ? done(
        rest.PUT('/api/v1/workspaces/{workspace}/members/{user}', {
          params: { path: { ...of, user } },
          body: { role },
        }),
      )
    : done(
        rest.PUT('/api/v1/clusters/{cluster}/projects/{project}/members/{user}', {
          params: { path: { ...of, user } },
          body: { role },
        }),
      );

/** Takes a person's role away. */
export const removeMember = (of: MembersOf, user: string) =>
  'workspace' in of
    ? done(rest.DELETE('/api/v1/workspaces/{workspace}/members/{user}', { params: { path: { ...of, user } } }))
    : done(
        rest.DELETE('/api/v1/clusters/{cluster}/projects/{project}/members/{user}', {
          params: { path: { ...of, user } },
        }),
      );

/** A scope to ask about; an empty one is the platform. */
export type Scope = { cluster?: string; workspace?: string; project?: string };

/** What the person may do in a scope, so that a button can say why it is locked. */
export const access = (scope: Scope) =>
  queryOptions({
    queryKey: ['access', scope],
    queryFn: async ({ signal }) =>
      new Set((await done(rest.GET('/api/v1/access', { params: { query: scope }, signal }))).permissions ?? []),
    staleTime: 30_000,
  });
