// Parts of the page of an object: labels, conditions, events, containers, pods.
import { useState } from 'react';
import { count } from '../format/number';
import { readQuantity, sayCpu, sayMemory } from '../format/quantity';
import { Use } from '../kit/bar';
import { Button } from '../kit/button';
import { Section } from '../kit/page';
import { Skeleton, Trouble } from '../kit/states';
import { Status, StatusShape } from '../kit/status';
import { Ago } from '../kit/times';
import { Link } from '../routing/link';
import { type ProjectAt, paths } from '../routing/paths';
import { type KubeObject, useListWatch } from '../stream';
import { t } from '../words/words';
import { Cell, isNumber } from './cell';
import { type Kind, kindNamed } from './kinds';
import { usePodUsage } from './metrics';
import { conditionsOf, containersOf, type Event, eventsOf, shortImage } from './object';
import { columnsOf, rowsOf, sortRows } from './rows';
import { conditionState } from './state';
import { asTable, listUrl } from './url';

/** Labels as chips; more than four are opened by a click. */
export function Labels({ pairs }: { pairs: readonly [string, string][] }) {
  const [all, setAll] = useState(false);
  if (pairs.length === 0) return <span className="muted">–</span>;
  const shown = all ? pairs : pairs.slice(0, 4);
  return (
    <span className="row wrap labels">
      {shown.map(([key, value]) => (
        <span key={key} className="chip plain" title={`${key}=${value}`}>
          <span className="trunc">
            {key}
            {value ? `=${value}` : ''}
          </span>
        </span>
      ))}
      {pairs.length > shown.length ? (
        <Button look="link" onClick={() => setAll(true)}>
          {t('{n} more', { n: pairs.length - shown.length })}
        </Button>
      ) : null}
    </span>
  );
}

/** A link to an object where its kind has a page, else its name. */
export function ObjectLink({
  project,
  kind,
  apiVersion,
  name,
}: {
  project: ProjectAt;
  kind: string;
  apiVersion?: string;
  name: string;
}) {
  const known = kindNamed(kind, apiVersion);
  return known ? <Link to={paths.object(project, known.resource, name)}>{name}</Link> : name;
}

export function Conditions({ object }: { object: KubeObject }) {
  const conditions = conditionsOf(object);
  if (conditions.length === 0) return null;
  return (
    <Section title={t('Conditions')}>
      <ul className="conds">
        {conditions.map((one) => {
          const { tone, shape } = conditionState(one.type, one.status);
          return (
            <li key={one.type}>
              <Status tone={tone} shape={shape}>
                {one.type}
              </Status>
              <span>{one.status}</span>
              <span className="why">{[one.reason, one.message].filter(Boolean).join(': ')}</span>
              <Ago at={one.since} className="muted" />
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

/** Events as a timeline, the latest first. */
export function Timeline({ events, project }: { events: readonly Event[]; project?: ProjectAt }) {
  return (
    <ul className="timeline">
      {events.map((one) => {
        const trouble = one.type === 'Warning';
        return (
          <li key={one.key} className={trouble ? 'warn' : ''}>
            <Ago at={one.last} className="when" />
            <StatusShape shape={trouble ? 'warn' : 'idle'} />
            <span className="msg">
              <b>{one.reason}</b>{' '}
              {project ? (
                <>
                  {one.object.kind} <ObjectLink project={project} kind={one.object.kind} name={one.object.name} />
                  {' · '}
                </>
              ) : null}
              {one.message}
            </span>
            <span className="times">
              {one.times > 1 ? `× ${count(one.times)} · ` : ''}
              {one.from}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** The events that a list watch gave, or why there are none. */
export function Events({
  live,
  most,
  onAll,
}: {
  live: ReturnType<typeof useListWatch>;
  most?: number;
  onAll?: () => void;
}) {
  const events = eventsOf(live.items);
  const shown = most === undefined ? events : events.slice(0, most);
  return (
    <Section
      title={t('Events')}
      note={events.length > 0 ? t('latest first') : undefined}
      actions={
        onAll && events.length > shown.length ? (
          <Button look="link" onClick={onAll}>
            {t('All {n} events', { n: events.length })}
          </Button>
        ) : undefined
      }
    >
      {live.asOf === 0 ? (
        live.problem && live.phase === 'failed' ? (
          <Trouble what={t('events')} problem={live.problem} onRetry={live.retry} />
        ) : (
          <Skeleton lines={3} />
        )
      ) : shown.length === 0 ? (
        <p className="second">{t('No events in the last hour. Kubernetes forgets events after that.')}</p>
      ) : (
        <Timeline events={shown} />
      )}
    </Section>
  );
}

export function Containers({
  pod,
  cluster,
  project,
  name,
}: {
  pod: KubeObject;
  cluster: string;
  project: string;
  name: string;
}) {
  const containers = containersOf(pod);
  const usage = usePodUsage(cluster, project, name);
  const main = containers.filter((one) => one.kind === 'main' || one.kind === 'sidecar');
  return (
    <Section
      title={t('Containers')}
      note={t('{ready} ready of {all}', { ready: main.filter((one) => one.ready).length, all: main.length })}
    >
      <div className="scroll-x">
        <table className="table plain">
          <thead>
            <tr>
              <th scope="col">{t('Name')}</th>
              <th scope="col">{t('Status')}</th>
              <th scope="col">{t('Image')}</th>
              <th scope="col" className="opt-m">
                {t('CPU')}
              </th>
              <th scope="col" className="opt-m">
                {t('Memory')}
              </th>
              <th scope="col" className="opt-l">
                {t('Ports')}
              </th>
              <th scope="col" className="num">
                {t('Restarts')}
              </th>
            </tr>
          </thead>
          <tbody>
            {containers.map((one) => {
              const use = usage.get(one.name);
              return (
                <tr key={one.name} className={one.state.shape === 'done' ? 'gone' : ''}>
                  <td>
                    <span className="strong">{one.name}</span>{' '}
                    {one.kind === 'main' ? null : <span className="badge">{one.kind}</span>}
                  </td>
                  <td>
                    <Status
                      tone={one.state.tone}
                      shape={one.state.shape}
                      why={<span title={one.state.why}>{one.state.why}</span>}
                    >
                      {one.state.word}
                    </Status>
                  </td>
                  <td className="mono second" title={one.image}>
                    {shortImage(one.image)}
                  </td>
                  <td className="opt-m">
                    <Use
                      value={use?.cpu}
                      request={readQuantity(one.cpu.request)}
                      limit={readQuantity(one.cpu.limit)}
                      say={sayCpu}
                    />
                  </td>
                  <td className="opt-m">
                    <Use
                      value={use?.memory}
                      request={readQuantity(one.memory.request)}
                      limit={readQuantity(one.memory.limit)}
                      say={sayMemory}
                    />
                  </td>
                  <td className="mono second opt-l">{one.ports.join(', ') || '–'}</td>
                  <td className="num">{one.restarts === 0 ? <span className="muted">0</span> : one.restarts}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

/** The objects of a kind that a label selector finds, live, as a plain table. */
export function Selected({
  project,
  kind,
  selector,
  title,
  keep,
}: {
  project: ProjectAt;
  kind: Kind;
  selector: string;
  title: string;
  keep?: (name: string) => boolean;
}) {
  const live = useListWatch(listUrl(project.cluster, kind, project.project, { labelSelector: selector }), {
    accept: asTable,
  });
  const columns = columnsOf(kind, live.list).filter(
    (column) => column.opt !== 'only-wide' && column.as !== 'cpu' && column.as !== 'memory',
  );
  const rows = sortRows(
    rowsOf(kind, live).filter((row) => keep?.(row.name) ?? true),
    columns[0]!,
    false,
  );
  return (
    <Section title={title} note={live.asOf > 0 ? String(rows.length) : undefined}>
      {live.asOf === 0 ? (
        live.problem && live.phase === 'failed' ? (
          <Trouble what={kind.many()} problem={live.problem} onRetry={live.retry} />
        ) : (
          <Skeleton lines={3} />
        )
      ) : rows.length === 0 ? (
        <p className="second">{t('There is none now.')}</p>
      ) : (
        <div className="scroll-x">
          <table className="table plain">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.id} scope="col" className={`${isNumber(column) ? 'num' : ''} ${column.opt ?? ''}`}>
                    {t(column.title)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, 200).map((row) => (
                <tr key={row.key} className={row.state?.shape === 'done' || row.state?.shape === 'end' ? 'gone' : ''}>
                  {columns.map((column) => (
                    <td
                      key={column.id}
                      className={`${isNumber(column) ? 'num' : ''} ${column.opt ?? ''} ${column.as === 'text' ? 'second' : ''}`}
                    >
                      <Cell column={column} row={row} to={paths.object(project, kind.resource, row.name)} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {rows.length > 200 ? (
            <p className="muted">
              {t('200 of {n} are shown.', { n: rows.length })}{' '}
              <Link to={`${paths.list(project, kind.resource)}?q=${encodeURIComponent(selector)}`}>
                {t('Show all')}
              </Link>
            </p>
          ) : null}
        </div>
      )}
    </Section>
  );
}

/** What owns the object, in a line of the facts. */
export function Owners({
  project,
  owners,
}: {
  project: ProjectAt;
  owners: { kind: string; name: string; apiVersion: string }[];
}) {
  if (owners.length === 0) return <span className="muted">{t('nothing')}</span>;
  return (
    <>
      {owners.map((one, i) => (
        <span key={`${one.kind}/${one.name}`}>
          {i > 0 ? ', ' : ''}
          {one.kind} <ObjectLink project={project} kind={one.kind} apiVersion={one.apiVersion} name={one.name} />
        </span>
      ))}
    </>
  );
}
