// One cell of a list, drawn by what its column holds.
import { useNow } from '../format/clock';
import { sayCpu, sayMemory } from '../format/quantity';
import { ago, readSpan, readTime, span, staysFor } from '../format/time';
import { Use } from '../kit/bar';
import { Status } from '../kit/status';
import { Age } from '../kit/times';
import { Link } from '../routing/link';
import type { Usage } from './metrics';
import { type Column, cellText, type Row, readRestarts, splitName } from './rows';

export const isNumber = (column: Column): boolean =>
  column.as !== 'name' && column.as !== 'state' && column.as !== 'text';

/** A name in its two parts: what a person gave it, and, quieter, what Kubernetes appended. */
export function Name({ of }: { of: string }) {
  const [given, made] = splitName(of);
  return (
    <>
      {given}
      {made ? <span className="hash">{made}</span> : null}
    </>
  );
}

export function Cell({ column, row, to, use }: { column: Column; row: Row; to: string; use?: Usage }) {
  switch (column.as) {
    case 'cpu':
      return <Use value={use?.cpu} say={sayCpu} />;
    case 'memory':
      return <Use value={use?.memory} say={sayMemory} />;
    case 'name':
      return (
        <Link className="name" to={to} title={row.name}>
          <Name of={row.name} />
        </Link>
      );
    case 'state':
      return row.state ? (
        <Status tone={row.state.tone} shape={row.state.shape} why={row.state.why}>
          {row.state.word}
        </Status>
      ) : null;
    case 'age':
      return <Age at={row.createdAt} />;
    case 'restarts':
      return <Restarts row={row} cell={row.cells[column.cell!]} />;
    case 'span':
      return <Span row={row} text={cellText(column, row)} />;
    default:
      return <>{cellText(column, row) || <span className="muted">–</span>}</>;
  }
}

function Restarts({ row, cell }: { row: Row; cell: unknown }) {
  const { times, last } = readRestarts(cell, row.readAt);
  if (times === 0) return <span className="muted">0</span>;
  return (
    <>
      {times >= 10 ? <b className="strong">{times}</b> : times}
      {last === undefined ? null : <Since at={last} />}
    </>
  );
}

function Since({ at }: { at: number }) {
  const now = useNow(staysFor(Date.now() - at));
  return <span className="muted"> · {ago(at, now)}</span>;
}

/** A time span that Kubernetes wrote when it sent the row; of what still runs it grows. */
function Span({ row, text }: { row: Row; text: string }) {
  const now = useNow();
  const given = readSpan(text);
  if (given === undefined) {
    const at = readTime(text);
    if (at !== undefined) return <Age at={at} />;
    return text || <span className="muted">–</span>;
  }
  const runs = row.state === undefined || row.state.shape === 'run';
  return span(runs ? given + Math.max(0, now - row.readAt) : given);
}
