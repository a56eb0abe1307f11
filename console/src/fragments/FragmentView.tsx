// A checked fragment at work: its data sources, its filters, its body.
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { call } from '../api/client';
import { sentence } from '../api/problem';
import { Button } from '../kit/button';
import { StatusShape } from '../kit/status';
import { useStreamClient } from '../stream';
import { t } from '../words/words';
import { isRecord, textOf } from './env';
import { controlsOf, readFilter, writeControl } from './filter';
import { type Host, HostProvider, RoomProvider } from './host';
import type { Pages } from './link';
import { Part } from './Part';
import { fills } from './shape';
import type { Means } from './source';
import { SourceSet } from './source-set';
import { sourcesIn } from './uses';
import './fragments.css';

/** Where a fragment is shown, as the page knows it. */
export interface Surroundings {
  extension: string;
  title: string;
  version?: string;
  pages: Pages;
  context: Readonly<Record<string, string | undefined>>;
  /** The page's query. */
  search: string;
  /** Replaces the page's query without a new entry in the history. */
  onSearch(search: string): void;
  onGo(href: string): void;
}

export interface FragmentViewProps extends Surroundings {
  /** What the core sent: any JSON. */
  fragment: unknown;
  /** Drawn above the body with the page's host around it: the head of a page. */
  head?: (title: string, actions: unknown) => React.ReactNode;
  /** Another way to get data than the network, for tests. */
  means?: Means;
}

/** Draws a fragment. Total: whatever the fragment is, something is shown and nothing is thrown. */
export function FragmentView(p: FragmentViewProps) {
  const client = useStreamClient();
  const fragment: Record<string, unknown> = isRecord(p.fragment) ? p.fragment : {};
  const controls = useMemo(() => controlsOf(fragment.body), [fragment.body]);
  const filter = useMemo(() => readFilter(controls, new URLSearchParams(p.search)), [controls, p.search]);
  const context = useStable(p.context);
  const means = useMemo<Means>(
    () => p.means ?? { client, ask: (path, signal) => call<unknown>(path, { signal }) },
    [p.means, client],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: filter and context are told to the set, they do not make a new one
  const sources = useMemo(
    () => new SourceSet(p.extension, fragment.data, means, { filter, context }),
    [p.extension, fragment.data, means],
  );
  useEffect(() => sources.setAround({ filter, context }), [sources, filter, context]);
  useEffect(() => () => sources.dispose(), [sources]);

  const latest = useRef(p);
  latest.current = p;
  const { extension, title, version } = p;
  const pages = useStable(p.pages);
  const host = useMemo<Host>(() => {
    const change = (edit: (query: URLSearchParams) => void) => {
      const query = new URLSearchParams(latest.current.search);
      edit(query);
      latest.current.onSearch(query.toString());
    };
    return {
      extension,
      title,
      version,
      pages,
      context,
      filter,
      sources,
      setFilter: (control, value) => change((query) => writeControl(control, value, query)),
      toggle: (pointer) => controls.find((c) => c.kind === 'toggle' && `/filter/${c.id}` === pointer),
      query: (name) => new URLSearchParams(p.search).get(name) ?? '',
      setQuery: (name, value) => change((query) => (value === '' ? query.delete(name) : query.set(name, value))),
      go: (href) => latest.current.onGo(href),
    };
  }, [extension, title, version, pages, context, filter, sources, controls, p.search]);

  const fill = fills(fragment.body);
  return (
    <HostProvider value={host}>
      <RoomProvider value={{ fill, cell: false }}>
        <div className={fill ? 'fr-page fr-fixed' : 'fr-page'}>
          <Head {...p} fragment={fragment} sources={sources} host={host} />
          <Troubles sources={sources} body={fragment.body} />
          {fill ? (
            <Part node={fragment.body} pointer="/body" />
          ) : (
            <div className="page-body">
              <Part node={fragment.body} pointer="/body" />
            </div>
          )}
        </div>
      </RoomProvider>
    </HostProvider>
  );
}

/** The title may come from data. */
function Head({
  head,
  fragment,
  sources,
  host,
}: FragmentViewProps & { fragment: Record<string, unknown>; sources: SourceSet; host: Host }) {
  const names = sourcesIn(fragment.title);
  const versions = () => names.map((name) => sources.version(name)).join();
  useSyncExternalStore((tell) => sources.subscribe(names, tell), versions, versions);
  useEffect(() => (names.length > 0 ? sources.use(names) : undefined), [sources, names]);
  if (!head) return null;
  return head(
    textOf(fragment.title, { source: sources.value, filter: host.filter, context: host.context }),
    fragment.actions,
  );
}

/** Failed sources that no log and no table speaks for. */
function Troubles({ sources, body }: { sources: SourceSet; body: unknown }) {
  const names = useMemo(() => {
    const spoken = spokenFor(body);
    return sources.names.filter((name) => !spoken.has(name));
  }, [sources, body]);
  const versions = () => names.map((name) => sources.version(name)).join();
  useSyncExternalStore((tell) => sources.subscribe(names, tell), versions, versions);
  const failed = names.flatMap((name) => {
    const { phase, problem } = sources.state(name);
    return problem && (phase === 'failed' || phase === 'ready') ? [{ name, problem }] : [];
  });
  if (failed.length === 0) return null;
  return (
    <div className="fr-pad">
      {failed.map(({ name, problem }) => (
        <div className="alert bad" role="alert" key={name}>
          <StatusShape shape="bad" />
          <strong>
            {problem.status === 403
              ? t('You may not see {what} here', { what: name })
              : t('Could not load {what}', { what: name })}
          </strong>
          <span className="b">
            {problem.missing ? (
              <>
                {t('Missing')} <code>{problem.missing.permission}</code>
              </>
            ) : (
              sentence(problem)
            )}
          </span>
          <span className="a">
            <Button onClick={() => sources.refresh([name])}>{t('Retry')}</Button>
          </span>
        </div>
      ))}
    </div>
  );
}

/** The sources whose states a Table or a Log shows itself. */
function spokenFor(node: unknown, found = new Set<string>(), depth = 0): Set<string> {
  if (depth > 64) return found;
  if (Array.isArray(node)) for (const one of node) spokenFor(one, found, depth + 1);
  else if (isRecord(node)) {
    const rows = node.is === 'Table' ? node.rows : node.is === 'Log' ? node.lines : undefined;
    for (const name of sourcesIn({ rows })) found.add(name);
    for (const key of Object.keys(node)) spokenFor(node[key], found, depth + 1);
  }
  return found;
}

/** The same object for as long as it says the same. */
function useStable<T extends object>(value: T): T {
  const kept = useRef(value);
  if (JSON.stringify(kept.current) !== JSON.stringify(value)) kept.current = value;
  return kept.current;
}
