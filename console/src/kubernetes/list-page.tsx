// The live list of one kind in a project. Filter, quick filter and order are in the address.
import { useParams } from '@tanstack/react-router';
import { Copy, FileCode, ListFilter, Search, Terminal, X } from 'lucide-react';
import { useCallback, useDeferredValue, useMemo, useRef, useState } from 'react';
import { labelOf, tabsFor } from '../extensions/contributions';
import { extensionIcon } from '../extensions/icons';
import { count } from '../format/number';
import { Button } from '../kit/button';
import { Icon } from '../kit/icon';
import { PageHead } from '../kit/page';
import { Empty, Trouble } from '../kit/states';
import { Status, StatusShape } from '../kit/status';
import { Ago } from '../kit/times';
import { toast } from '../kit/toasts';
import { useGo, useQueryValue } from '../routing/link';
import { paths } from '../routing/paths';
import { NotFound } from '../shell/broken';
import { useKeys } from '../shell/keys';
import { useProject, useScope } from '../shell/scope';
import { useListWatch, type WatchSnapshot } from '../stream';
import { t } from '../words/words';
import { type Kind, kindOf, titleOf } from './kinds';
import { kubectlList, kubectlObject } from './kubectl';
import { LiveTable, type Sort } from './live-table';
import { useProjectUsage } from './metrics';
import type { RowAction } from './row-menu';
import { columnsOf, filterWords, inQuick, matches, type Quick, type Row, rowsOf, sortRows } from './rows';
import { asTable, listUrl } from './url';

export function ListPage() {
  const { resource } = useParams({ strict: false }) as { resource: string };
  const kind = kindOf(resource);
  return kind ? <KindList key={resource} kind={kind} /> : <NotFound />;
}

/** Copies a text and says so. */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast('ok', t('Copied {what}', { what }));
  } catch {
    toast('bad', t('Could not copy {what}', { what }), t('The browser did not allow it.'));
  }
}

const readSort = (text: string): Sort =>
  text.startsWith('-') ? { by: text.slice(1), descending: true } : { by: text || 'name', descending: false };

function KindList({ kind }: { kind: Kind }) {
  const at = useProject();
  const { contributions } = useScope();
  const go = useGo();
  const [filter, setFilter] = useQueryValue('q');
  const [show, setShow] = useQueryValue('show');
  const [sortText, setSort] = useQueryValue('sort');
  const live = useListWatch(listUrl(at.cluster, kind, at.project), { accept: asTable });

  const sort = useMemo(() => readSort(sortText), [sortText]);
  const columns = useMemo(() => columnsOf(kind, live.list), [kind, live.list]);
  const { items, list } = live;
  const all = useMemo(() => rowsOf(kind, { items, list }), [kind, items, list]);
  const usage = useProjectUsage(at.cluster, at.project, kind.kind === 'Pod');
  const quick: Quick = show === 'attention' || show === 'waiting' ? show : 'all';
  const typed = useDeferredValue(filter);
  const found = useMemo(() => {
    const words = filterWords(typed);
    return all.filter((row) => inQuick(row, quick) && matches(row, words, columns));
  }, [all, quick, typed, columns]);
  const rows = useMemo(
    () => sortRows(found, columns.find((column) => column.id === sort.by) ?? columns[0]!, sort.descending, usage),
    [found, columns, sort, usage],
  );
  const counts = useMemo(
    () => ({
      attention: all.filter((row) => inQuick(row, 'attention')).length,
      waiting: all.filter((row) => inQuick(row, 'waiting')).length,
    }),
    [all],
  );
  const [seen, setSeen] = useState<[number, number]>([0, 0]);
  const onWindow = useCallback((from: number, to: number) => setSeen([from, to]), []);

  const linkOf = useCallback((row: Row) => paths.object(at, kind.resource, row.name), [at, kind]);
  const open = useCallback((row: Row) => go(linkOf(row)), [go, linkOf]);
  const tabs = useMemo(() => tabsFor(contributions, kind), [contributions, kind]);
  const menu = useCallback(
    (row: Row): RowAction[] => [
      ...tabs.map((tab) => ({
        key: `${tab.extension}/${tab.id}`,
        label: labelOf(tab),
        icon: extensionIcon(tab.icon),
        from: tab.title || tab.extension,
        run: () => go(paths.object(at, kind.resource, row.name, `${tab.extension}.${tab.id}`)),
      })),
      {
        key: 'yaml',
        label: t('YAML'),
        icon: FileCode,
        run: () => go(paths.object(at, kind.resource, row.name, 'yaml')),
      },
      { key: 'name', label: t('Copy the name'), icon: Copy, run: () => void copy(row.name, t('the name')) },
      {
        key: 'kubectl',
        label: t('Copy as kubectl'),
        icon: Terminal,
        run: () => void copy(kubectlObject(kind, at.project, row.name), t('the command')),
      },
    ],
    [tabs, at, kind, go],
  );
  const onSort = useCallback(
    (by: string) => {
      const next =
        sort.by === by
          ? { by, descending: !sort.descending }
          : { by, descending: ['Restarts', 'cpu', 'memory'].includes(by) };
      setSort(next.by === 'name' && !next.descending ? '' : `${next.descending ? '-' : ''}${next.by}`);
    },
    [sort, setSort],
  );

  const field = useRef<HTMLInputElement>(null);
  useKeys(useMemo(() => ({ '/': () => field.current?.focus() }), []));

  const many = kind.many();
  const title = titleOf(many);
  const loading = live.asOf === 0 && live.phase !== 'failed';
  const failed =
    live.asOf === 0 && live.problem !== undefined && (live.phase === 'failed' || live.problem.status !== undefined);
  return (
    <div className="fixed-page">
      <PageHead
        name={`${title} · ${at.project}`}
        title={title}
        state={
          counts.attention > 0 ? (
            <button type="button" className="btn link" onClick={() => setShow('attention')}>
              <Status tone="warn" shape="warn">
                {t('{n, plural, one {# needs attention} other {# need attention}}', { n: counts.attention })}
              </Status>
            </button>
          ) : null
        }
        actions={
          <Button
            look="quiet"
            icon={Terminal}
            className="opt-m"
            onClick={() => void copy(kubectlList(kind, at.project), t('the command'))}
          >
            {t('Copy as kubectl')}
          </Button>
        }
      />
      <div className="toolbar">
        <search className="search">
          <Icon of={Search} small />
          <input
            ref={field}
            aria-label={t('Filter {kind}', { kind: many })}
            placeholder={t('Filter by name, status, label=value')}
            value={filter}
            spellCheck={false}
            onChange={(event) => setFilter(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape') return;
              if (filter) setFilter('');
              else event.currentTarget.blur();
            }}
          />
          {filter ? (
            <button type="button" className="clear" aria-label={t('Clear the filter')} onClick={() => setFilter('')}>
              <Icon of={X} small />
            </button>
          ) : (
            <kbd className="opt-m">/</kbd>
          )}
        </search>
        {all.some((row) => row.state) ? (
          <fieldset className="btn-group opt-l" aria-label={t('Quick filter by status')}>
            <QuickButton on={quick === 'all'} onClick={() => setShow('')}>
              {t('All')}
            </QuickButton>
            <QuickButton on={quick === 'attention'} onClick={() => setShow('attention')}>
              <StatusShape shape="bad" className="sm bad" />
              {t('Attention')} <span className="muted">{count(counts.attention)}</span>
            </QuickButton>
            <QuickButton on={quick === 'waiting'} onClick={() => setShow('waiting')}>
              <StatusShape shape="wait" className="sm" />
              {t('Waiting')} <span className="muted">{count(counts.waiting)}</span>
            </QuickButton>
          </fieldset>
        ) : null}
      </div>
      <Tide phase={live.phase} />
      {failed && live.problem ? (
        <div className="grow scroll">
          <Trouble what={many} problem={live.problem} onRetry={live.retry} nextTry={live.nextTry} />
        </div>
      ) : !loading && rows.length === 0 ? (
        <div className="grow scroll">
          {all.length === 0 ? (
            <NothingYet kind={kind} project={at.project} />
          ) : (
            <Empty
              icon={ListFilter}
              title={
                filter ? (
                  <>
                    {t('No {kind} matches', { kind: kind.one() })} <code>{filter}</code>
                  </>
                ) : (
                  t('No {kind} here now', { kind: kind.one() })
                )
              }
              actions={
                <Button
                  onClick={() => {
                    setFilter('');
                    setShow('');
                  }}
                >
                  {t('Show all')}
                </Button>
              }
            >
              {t('{n, plural, one {# is} other {# are}} in {project}.', { n: all.length, project: at.project })}
            </Empty>
          )}
        </div>
      ) : (
        <LiveTable
          label={t('{kind} in {project}', { kind: title, project: at.project })}
          columns={columns}
          rows={rows}
          sort={sort}
          onSort={onSort}
          linkOf={linkOf}
          onOpen={open}
          loading={loading}
          menu={menu}
          onWindow={onWindow}
          usage={usage}
        />
      )}
      <footer className="table-foot">
        <span>
          {loading || rows.length === 0
            ? `0`
            : t('{from}–{to} of {all}', { from: count(seen[0]), to: count(seen[1]), all: count(rows.length) })}
        </span>
        <Liveness live={live} />
        {live.phase === 'reconnecting' ? (
          <Button look="link" onClick={live.retry}>
            {t('Try now')}
          </Button>
        ) : null}
        {rows.length < all.length ? (
          <span className="muted opt-m">{t('filtered from {all}', { all: count(all.length) })}</span>
        ) : null}
        <span className="right muted opt-l">
          <kbd>j</kbd> <kbd>k</kbd> {t('move')}&ensp; <kbd>↵</kbd> {t('open')}&ensp; <kbd>/</kbd> {t('filter')}&ensp;{' '}
          <kbd>?</kbd> {t('all keys')}
        </span>
      </footer>
    </div>
  );
}

const QuickButton = ({ on, onClick, children }: { on: boolean; onClick: () => void; children: React.ReactNode }) => (
  <button type="button" className="btn" aria-pressed={on} onClick={onClick}>
    {children}
  </button>
);

/** The line under the toolbar: whole while what one sees is alive, broken while it is not. */
export const Tide = ({ phase }: { phase: WatchSnapshot['phase'] }) => (
  <div className={`tide${phase === 'live' ? '' : phase === 'loading' ? ' paused' : ' stale'}`} />
);

/** The same in words. */
export function Liveness({ live }: { live: Pick<WatchSnapshot, 'phase' | 'asOf'> }) {
  if (live.phase === 'live') return <span className="live">{t('live')}</span>;
  if (live.phase === 'loading') return <span className="live paused">{t('loading')}</span>;
  return (
    <span className="live stale" role="status">
      {live.phase === 'reconnecting' ? t('reconnecting') : t('stopped')}
      {live.asOf > 0 ? (
        <>
          , {t('as of')} <Ago at={live.asOf} />
        </>
      ) : null}
    </span>
  );
}

function NothingYet({ kind, project }: { kind: Kind; project: string }) {
  const what: Record<string, string> = {
    Pod: t('Pods run your containers. They come with a deployment, a stateful set or a job; apply one with kubectl.'),
    Deployment: t(
      'A deployment keeps a number of equal pods running and replaces them one by one. Apply one with kubectl.',
    ),
    Job: t('A job runs to its end and stops. Apply one with kubectl, or let a cron job start it.'),
  };
  return (
    <Empty icon={kind.icon} title={t('No {kind} in {project}', { kind: kind.many(), project })}>
      {what[kind.kind] ?? t('Apply one with kubectl; it appears here at once.')}
    </Empty>
  );
}
