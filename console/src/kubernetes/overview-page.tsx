// The overview of a project: what runs, what needs attention, what happened.
import { useMemo } from 'react';
import { count } from '../format/number';
import { sayCpu, sayMemory } from '../format/quantity';
import { PageHead, Section } from '../kit/page';
import { Skeleton, Trouble } from '../kit/states';
import { Status, StatusShape } from '../kit/status';
import { Link } from '../routing/link';
import { type ProjectAt, paths } from '../routing/paths';
import { useProject } from '../shell/scope';
import { useListWatch } from '../stream';
import { t } from '../words/words';
import { Cell, isNumber } from './cell';
import { type Kind, kindOf, titleOf } from './kinds';
import { Liveness } from './list-page';
import { useProjectUsage } from './metrics';
import { eventsOf } from './object';
import { Timeline } from './parts';
import { columnsOf, inQuick, type Row, rowsOf, sortRows } from './rows';
import { asTable, eventsUrl, listUrl } from './url';

const pods = kindOf('pods')!;
const counted = ['deployments', 'statefulsets', 'daemonsets', 'jobs'].map((resource) => kindOf(resource)!);

function useRows(at: ProjectAt, kind: Kind) {
  const live = useListWatch(listUrl(at.cluster, kind, at.project), { accept: asTable });
  const { items, list } = live;
  const rows = useMemo(() => rowsOf(kind, { items, list }), [kind, items, list]);
  return { live, rows };
}

export function OverviewPage() {
  const { cluster, project, record } = useProject();
  const at = { cluster, project };
  const { live, rows } = useRows(at, pods);
  const events = useListWatch(eventsUrl(cluster, project, { fieldSelector: 'type=Warning' }));
  const usage = useProjectUsage(cluster, project, true);
  const columns = useMemo(
    () =>
      columnsOf(pods, live.list).filter((column) => ['name', 'state', 'Ready', 'Restarts', 'age'].includes(column.id)),
    [live.list],
  );
  const trouble = useMemo(() => {
    const state = columns.find((column) => column.id === 'state');
    const found = rows.filter((row) => inQuick(row, 'attention'));
    return state ? sortRows(found, state, false) : found;
  }, [rows, columns]);
  const warnings = useMemo(() => eventsOf(events.items).slice(0, 8), [events.items]);
  const used =
    usage &&
    [...usage.values()].reduce((a, b) => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory }), { cpu: 0, memory: 0 });
  const title = record?.title || project;
  const running = rows.filter((row) => row.state?.word === 'Running').length;
  return (
    <>
      <PageHead
        name={title}
        title={title}
        state={
          <>
            {title === project ? null : <span className="muted">{project}</span>}
            <Liveness live={live} />
          </>
        }
      />
      <div className="page-body stack l">
        {record?.phase === 'Failed' ? (
          <div className="alert bad" role="alert">
            <StatusShape shape="bad" />
            <strong>{t('Kubernetes does not match this project yet')}</strong>
            <span className="b">{record.message}</span>
          </div>
        ) : null}
        {live.asOf === 0 && live.problem && live.phase === 'failed' ? (
          <Trouble what={t('pods')} problem={live.problem} onRetry={live.retry} />
        ) : null}
        <div className="stats">
          <Stat
            label={t('Pods')}
            to={paths.list(at, 'pods')}
            value={live.asOf === 0 ? undefined : count(rows.length)}
            note={t('{n} running', { n: count(running) })}
          />
          {counted.map((kind) => (
            <Counted key={kind.resource} at={at} kind={kind} />
          ))}
          {used ? (
            <>
              <Stat label={t('CPU in use')} value={said(sayCpu(used.cpu))} note={t('all pods, now')} />
              <Stat label={t('Memory in use')} value={said(sayMemory(used.memory))} note={t('all pods, now')} />
            </>
          ) : null}
        </div>
        <Section title={t('Needs attention')} note={trouble.length > 0 ? count(trouble.length) : undefined}>
          {live.asOf === 0 ? (
            <Skeleton lines={3} />
          ) : trouble.length === 0 ? (
            <Status tone="ok" shape="done">
              {rows.length === 0
                ? t('No pods run here.')
                : t('All {n, plural, one {# pod is} other {# pods are}} as they should be.', { n: rows.length })}
            </Status>
          ) : (
            <div className="scroll-x">
              <table className="table plain">
                <thead>
                  <tr>
                    {columns.map((column) => (
                      <th key={column.id} scope="col" className={isNumber(column) ? 'num' : undefined}>
                        {t(column.title)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {trouble.slice(0, 10).map((row: Row) => (
                    <tr key={row.key}>
                      {columns.map((column) => (
                        <td key={column.id} className={isNumber(column) ? 'num' : undefined}>
                          <Cell column={column} row={row} to={paths.object(at, 'pods', row.name)} />
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
              {trouble.length > 10 ? (
                <Link to={`${paths.list(at, 'pods')}?show=attention`}>
                  {t('All {n} that need attention', { n: trouble.length })}
                </Link>
              ) : null}
            </div>
          )}
        </Section>
        <Section title={t('Recent warnings')} note={warnings.length > 0 ? t('latest first') : undefined}>
          {events.asOf === 0 ? (
            events.problem && events.phase === 'failed' ? (
              <Trouble what={t('events')} problem={events.problem} onRetry={events.retry} />
            ) : (
              <Skeleton lines={3} />
            )
          ) : warnings.length === 0 ? (
            <p className="second">{t('No warning in the last hour.')}</p>
          ) : (
            <Timeline events={warnings} project={at} />
          )}
        </Section>
      </div>
    </>
  );
}

const said = ([value, unit]: [string, string]) => (
  <>
    {value} <span className="unit">{unit}</span>
  </>
);

function Stat({ label, value, note, to }: { label: string; value: React.ReactNode; note?: string; to?: string }) {
  const inside = (
    <>
      <span className="label">{label}</span>
      <span className="value">{value ?? <span className="skel w55" />}</span>
      <span className="delta">{note}</span>
    </>
  );
  return to ? (
    <Link className="stat" to={to}>
      {inside}
    </Link>
  ) : (
    <div className="stat">{inside}</div>
  );
}

function Counted({ at, kind }: { at: ProjectAt; kind: Kind }) {
  const { live, rows } = useRows(at, kind);
  const bad = rows.filter((row) => inQuick(row, 'attention')).length;
  const note =
    bad > 0
      ? t('{n, plural, one {# needs attention} other {# need attention}}', { n: bad })
      : rows.length > 0
        ? t('all as they should be')
        : '';
  return (
    <Stat
      label={titleOf(kind.many())}
      to={paths.list(at, kind.resource)}
      value={live.asOf === 0 ? undefined : count(rows.length)}
      note={note}
    />
  );
}
