// Pages and tabs that extensions contribute: the fragment is asked of the core
// and drawn; an extension that changes is asked again.
import { useQuery } from '@tanstack/react-query';
import { useRouter, useRouterState } from '@tanstack/react-router';
import { RotateCw } from 'lucide-react';
import { type ReactNode, useCallback } from 'react';
import { problemOf } from '../api/problem';
import { Button } from '../kit/button';
import { Origin } from '../kit/icon';
import { PageHead } from '../kit/page';
import { Skeleton, Trouble } from '../kit/states';
import { useGo, usePath } from '../routing/link';
import { type Place, paths } from '../routing/paths';
import type { Problem } from '../stream';
import { t } from '../words/words';
import { BrokenCard } from './broken';
import { FragmentView } from './FragmentView';
import type { Pages } from './link';
import { type FragmentScope, fragmentPath, fragmentQuery } from './load';
import { Actions } from './nodes/action';

export interface FragmentProps {
  /** Name of the extension, and what is said about it. */
  extension: string;
  title?: string;
  version?: string;
  /** Changes when the extension does: the fragment is asked again. */
  digest?: string;
  /** The fragment's path, as the contribution names it. */
  fragment: string;
  scope: FragmentScope;
  /** Handed to the guest as a query. */
  params?: Record<string, string | undefined>;
}

export interface FragmentPageProps extends FragmentProps {
  /** Route of the page's contribution, as /logs. */
  route: string;
  /** Said until the fragment has its own title. */
  label?: string;
}

/** The object that a tab is about. */
export interface TabObject {
  gvr: string;
  namespace?: string;
  name: string;
  uid?: string;
}

/** A page of an extension, with its head. Takes the room of the console's page. */
export function FragmentPage(p: FragmentPageProps) {
  const place = placeOf(p.scope);
  const path = usePath();
  const pages: Pages = { root: paths.extension(place, p.extension, ''), here: path.replace(/\/$/, '') };
  const who = p.title || p.extension;
  const head = (title: string, actions: unknown) => (
    <PageHead
      name={title || p.label || who}
      title={title || p.label || who}
      state={
        <span className="muted row nowrap">
          <Origin from={who} />
          {p.version ? `${who} ${p.version}` : who}
        </span>
      }
      actions={<Actions of={actions} />}
    />
  );
  return <Loaded {...p} pages={pages} context={{ ...p.scope }} slot="page" head={head} />;
}

/** A tab of an extension on an object's page. */
export function FragmentTab(p: FragmentProps & { object: TabObject }) {
  const place = placeOf(p.scope);
  const path = usePath();
  const tab = useRouterState({ select: (s) => new URLSearchParams(s.location.searchStr).get('tab') ?? '' });
  const { gvr, namespace, name, uid } = p.object;
  const pages: Pages = {
    root: paths.extension(place, p.extension, ''),
    here: path.replace(/\/$/, ''),
    keep: tab ? `tab=${encodeURIComponent(tab)}` : undefined,
  };
  const about = { gvr, namespace: namespace ?? p.scope.project, name, uid };
  const head = (_: string, actions: unknown) =>
    Array.isArray(actions) && actions.length > 0 ? (
      <div className="toolbar">
        <span className="right row">
          <Actions of={actions} />
        </span>
      </div>
    ) : null;
  return (
    <Loaded
      {...p}
      params={{ ...about, ...p.params }}
      pages={pages}
      context={{ ...p.scope, ...about }}
      slot={t('tab of {kind}', { kind: gvr })}
      head={head}
    />
  );
}

interface LoadedProps extends FragmentProps {
  pages: Pages;
  context: Record<string, string | undefined>;
  slot: string;
  head(title: string, actions: unknown): ReactNode;
}

function Loaded(p: LoadedProps) {
  const path = fragmentPath(p.extension, p.fragment, p.scope, p.params);
  const { data, error, errorUpdatedAt, refetch } = useQuery(fragmentQuery(path, p.digest));
  const search = useRouterState({ select: (s) => s.location.searchStr });
  const router = useRouter();
  const go = useGo();
  const onSearch = useCallback(
    (next: string) => {
      const { pathname, hash } = router.history.location;
      router.history.replace(`${pathname}${next && `?${next}`}${hash}`);
    },
    [router],
  );
  const retry = () => void refetch();
  if (data !== undefined)
    return (
      <FragmentView
        // Another extension, place or object is another fragment; the same one keeps its state when it is asked again.
        key={path}
        fragment={data}
        extension={p.extension}
        title={p.title || p.extension}
        version={p.version}
        pages={p.pages}
        context={p.context}
        search={search}
        onSearch={onSearch}
        onGo={go}
        head={p.head}
      />
    );
  return (
    <div className="fr-page">
      {p.head('', undefined)}
      <div className="page-body">
        {error ? (
          <NotShown {...p} problem={problemOf(error)} failedAt={errorUpdatedAt} onRetry={retry} />
        ) : (
          <Skeleton />
        )}
      </div>
    </div>
  );
}

function NotShown(p: LoadedProps & { problem: Problem; failedAt: number; onRetry: () => void }) {
  const { problem } = p;
  const who = p.title || p.extension;
  const nextTry = problem.retryAfter ? p.failedAt + problem.retryAfter * 1000 : undefined;
  if (problem.rule === undefined) return <Trouble what={who} problem={problem} onRetry={p.onRetry} nextTry={nextTry} />;
  return (
    <BrokenCard
      breach={{
        extension: who,
        version: problem.version ?? p.version,
        rule: problem.rule,
        detail: problem.detail,
        pointer: problem.pointer,
        slot: p.slot,
        requestId: problem.instance,
      }}
      actions={
        <Button look="quiet" icon={RotateCw} onClick={p.onRetry}>
          {t('Retry')}
        </Button>
      }
    />
  );
}

function placeOf(scope: FragmentScope): Place {
  if (scope.cluster && scope.project) return { area: 'project', cluster: scope.cluster, project: scope.project };
  if (scope.workspace) return { area: 'workspace', workspace: scope.workspace };
  return scope.cluster ? { area: 'cluster', cluster: scope.cluster } : { area: 'platform' };
}
