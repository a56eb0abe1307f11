// Rows of a list: Kubernetes' Table, read with care, with a cell for each column in a form that sorts, filters and ages.
import { readSpan, readTime } from '../format/time';
import type { KubeObject, WatchSnapshot } from '../stream';
import type { Kind } from './kinds';
import type { Usage } from './metrics';
import { fraction, jobState, podState, replicaState, type State } from './state';

export type Column = {
  id: string;
  title: string;
  /** How its cells are drawn and ordered. */
  as: 'name' | 'state' | 'fraction' | 'number' | 'restarts' | 'age' | 'span' | 'text' | 'cpu' | 'memory';
  width: 'xs' | 's' | 'm' | 'r' | 'l' | 'name' | 'fill';
  /** The page must be wide (x), not small (m) or the window very wide for it. */
  opt?: 'opt-x' | 'opt-m' | 'opt-l' | 'only-wide';
  /** Which cell of the Table; undefined for what is worked out from the row. */
  cell?: number;
};

export type Row = {
  key: string;
  name: string;
  namespace: string;
  labels: Record<string, string>;
  createdAt: number | undefined;
  state: State | undefined;
  cells: unknown[];
  /** When the row came, for cells that Kubernetes wrote relative to that moment. */
  readAt: number;
  /** Changes when the object does. */
  revision: string;
};

type Definition = { name: string; type: string; format: string; priority: number };

const record = (v: unknown): Record<string, unknown> =>
  typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : {};
const text = (v: unknown): string =>
  typeof v === 'string' ? v : typeof v === 'number' || typeof v === 'boolean' ? String(v) : '';

function definitions(list: KubeObject): Definition[] {
  const given = Array.isArray(list.columnDefinitions) ? list.columnDefinitions : [];
  return given.map((one) => {
    const d = record(one);
    return {
      name: text(d.name),
      type: text(d.type),
      format: text(d.format),
      priority: typeof d.priority === 'number' ? d.priority : 0,
    };
  });
}

/** Where each named cell of a kind stands in its Table. */
export type Places = ReadonlyMap<string, number>;

export const places = (list: KubeObject): Places => new Map(definitions(list).map((d, i) => [d.name, i]));

const stateful = new Set([
  'Pod',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'Job',
  'PersistentVolumeClaim',
]);
const hidden: Record<string, string[]> = {
  Pod: ['Status', 'Nominated Node', 'Readiness Gates'],
  Job: ['Status'],
  PersistentVolumeClaim: ['Status'],
};
const numbers = new Set(['Up-to-date', 'Available', 'Desired', 'Current', 'Ready', 'Data', 'Active']);
const inFull = new Set(['Images', 'Containers', 'Selector', 'Capacity']);
const numeric = (kind: Kind, d: Definition) =>
  d.type === 'integer' ||
  d.type === 'number' ||
  (numbers.has(d.name) && !(kind.kind === 'Deployment' && d.name === 'Ready'));

/** The columns of a kind, from what its Table says of itself; the name first, the state second, Age last. */
export function columnsOf(kind: Kind, list: KubeObject): Column[] {
  const columns: Column[] = [{ id: 'name', title: 'Name', as: 'name', width: stateful.has(kind.kind) ? 'name' : 'l' }];
  if (stateful.has(kind.kind)) columns.push({ id: 'state', title: 'Status', as: 'state', width: 'fill' });
  for (const [cell, d] of definitions(list).entries()) {
    if (d.name === 'Name' || d.name === 'Age' || (hidden[kind.kind] ?? []).includes(d.name)) continue;
    const base = { id: d.name, title: d.name, cell };
    const opt = d.priority > 0 ? 'only-wide' : undefined;
    if (d.name === 'Restarts') columns.push({ ...base, as: 'restarts', width: 'r', opt: 'opt-m' });
    else if (d.name === 'Ready' && kind.kind !== 'DaemonSet' && kind.kind !== 'ReplicaSet')
      columns.push({ ...base, as: 'fraction', width: 'xs' });
    else if (d.name === 'Completions') columns.push({ ...base, as: 'fraction', width: 's' });
    else if (d.name === 'Duration' || d.name === 'Last Schedule')
      columns.push({ ...base, as: 'span', width: 's', opt: 'opt-m' });
    else if (numeric(kind, d)) columns.push({ ...base, as: 'number', width: 's', opt: opt ?? 'opt-m' });
    else if (kind.kind === 'Pod' && d.name === 'Node') columns.push({ ...base, as: 'text', width: 'm', opt: 'opt-x' });
    else if (kind.kind === 'Pod' && d.name === 'IP')
      columns.push({ ...base, as: 'text', width: 'm', opt: 'only-wide' });
    else if (inFull.has(d.name))
      columns.push({ ...base, as: 'text', width: 'l', opt: d.name === 'Images' ? 'opt-x' : 'only-wide' });
    else columns.push({ ...base, as: 'text', width: 'm', opt: opt ?? 'opt-m' });
  }
  if (kind.kind === 'Pod') {
    const use = [
      { id: 'cpu', title: 'CPU', as: 'cpu', width: 's', opt: 'opt-m' },
      { id: 'memory', title: 'Memory', as: 'memory', width: 's', opt: 'opt-m' },
    ] as const;
    const before = columns.findIndex((column) => column.id === 'Restarts') + 1;
    columns.splice(before || columns.length, 0, ...use);
  }
  columns.push({ id: 'age', title: 'Age', as: 'age', width: 's' });
  if (!columns.some((column) => column.width === 'fill')) columns[0]!.width = 'fill';
  return columns;
}

function stateOf(kind: Kind, at: Places, cells: unknown[]): State | undefined {
  const cell = (name: string) => {
    const i = at.get(name);
    return i === undefined ? '' : text(cells[i]);
  };
  switch (kind.kind) {
    case 'Pod':
      return podState(cell('Status'), cell('Ready'));
    case 'Deployment':
    case 'StatefulSet':
      return replicaState(...fraction(cell('Ready')));
    case 'DaemonSet':
    case 'ReplicaSet':
      return replicaState(Number(cell('Ready')), Number(cell('Desired')));
    case 'Job':
      return jobState(cell('Status'), cell('Completions'));
    case 'PersistentVolumeClaim': {
      const word = cell('Status');
      return word === 'Bound'
        ? { tone: 'ok', shape: 'ok', word }
        : word === 'Lost'
          ? { tone: 'bad', shape: 'bad', word }
          : { tone: 'idle', shape: 'wait', word: word || 'Pending' };
    }
    default:
      return undefined;
  }
}

const known = new WeakMap<KubeObject, Row>();

/** Reads one row of a Table. The same object gives the same row, so that what did not change is not drawn again. */
export function rowOf(kind: Kind, at: Places, item: KubeObject, now = Date.now()): Row {
  const before = known.get(item);
  if (before) return before;
  const meta = record(record(item.object).metadata);
  const cells = Array.isArray(item.cells) ? item.cells : [];
  const name = text(meta.name);
  const row: Row = {
    key: text(meta.uid) || `${text(meta.namespace)}/${name}`,
    name,
    namespace: text(meta.namespace),
    labels: record(meta.labels) as Record<string, string>,
    createdAt: readTime(meta.creationTimestamp),
    state: stateOf(kind, at, cells),
    cells,
    readAt: now,
    revision: text(meta.resourceVersion),
  };
  known.set(item, row);
  return row;
}

/** All rows of a list. */
export function rowsOf(kind: Kind, snapshot: Pick<WatchSnapshot, 'items' | 'list'>): Row[] {
  const at = places(snapshot.list);
  return snapshot.items.map((item) => rowOf(kind, at, item));
}

/** Restarts as Kubernetes writes them, "3 (41s ago)": how many, and when the last one was. */
export function readRestarts(cell: unknown, readAt: number): { times: number; last: number | undefined } {
  const match = /^(\d+)(?: \((\S+) ago\))?$/.exec(text(cell));
  if (!match) return { times: 0, last: undefined };
  const past = match[2] === undefined ? undefined : readSpan(match[2]);
  return { times: Number(match[1]), last: past === undefined ? undefined : readAt - past };
}

/** The text of a cell as a person reads it. */
export function cellText(column: Column, row: Row): string {
  if (column.as === 'name') return row.name;
  if (column.as === 'state') return row.state ? [row.state.word, row.state.why].filter(Boolean).join(' ') : '';
  const value = column.cell === undefined ? '' : text(row.cells[column.cell]);
  return value === '<none>' || value === '<unset>' || value === '<unknown>' ? '' : value;
}

const severity: Record<State['tone'], number> = { bad: 0, warn: 1, info: 2, idle: 3, ok: 4 };
const collator = new Intl.Collator('en', { numeric: true });

function sortValue(column: Column, row: Row, usage?: ReadonlyMap<string, Usage>): number | string {
  switch (column.as) {
    case 'cpu':
    case 'memory':
      return usage?.get(row.name)?.[column.as] ?? -1;
    case 'age':
      return row.createdAt === undefined ? Number.MAX_SAFE_INTEGER : -row.createdAt;
    case 'number':
      return Number(cellText(column, row)) || 0;
    case 'fraction':
      return fraction(cellText(column, row))[0];
    case 'restarts':
      return readRestarts(row.cells[column.cell!], row.readAt).times;
    case 'span':
      return readSpan(cellText(column, row)) ?? -1;
    default:
      return cellText(column, row);
  }
}

/** Orders rows by a column; equal ones by name. Status puts what needs attention first. */
export function sortRows(
  rows: readonly Row[],
  column: Column,
  descending: boolean,
  usage?: ReadonlyMap<string, Usage>,
): Row[] {
  const turn = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const names = collator.compare(a.name, b.name) || collator.compare(a.namespace, b.namespace);
    if (column.as === 'name') return names * turn;
    if (column.as === 'state') {
      const by =
        severity[a.state?.tone ?? 'ok'] - severity[b.state?.tone ?? 'ok'] ||
        collator.compare(a.state?.word ?? '', b.state?.word ?? '');
      return by * turn || names;
    }
    const x = sortValue(column, a, usage);
    const y = sortValue(column, b, usage);
    const by = typeof x === 'number' && typeof y === 'number' ? x - y : collator.compare(String(x), String(y));
    return by * turn || names;
  });
}

/** What the quick filter shows. */
export type Quick = 'all' | 'attention' | 'waiting';

/** Whether a row passes a filter: every word must be found in its name, its cells or its labels; `key=value` asks for a label. */
export function matches(row: Row, words: readonly string[], columns: readonly Column[]): boolean {
  return words.every((word) => {
    const label = /^([^=!]+)(!?=)(.*)$/.exec(word);
    if (label) {
      const has = row.labels[label[1]!]?.toLowerCase() === label[3];
      return label[2] === '=' ? has : !has;
    }
    return (
      row.name.toLowerCase().includes(word) ||
      columns.some((column) => column.as !== 'age' && cellText(column, row).toLowerCase().includes(word))
    );
  });
}

/** The words of a filter. */
export const filterWords = (filter: string): string[] => filter.toLowerCase().split(/\s+/).filter(Boolean);

/** Whether a row stands in the quick filter. */
export function inQuick(row: Row, quick: Quick): boolean {
  if (quick === 'attention') return row.state?.tone === 'bad' || row.state?.tone === 'warn';
  if (quick === 'waiting') return row.state?.shape === 'wait';
  return true;
}

/** A generated name in its two parts: what a person gave it, and what Kubernetes appended. */
export function splitName(name: string): [given: string, made: string] {
  // A generated suffix is written in this alphabet, without vowels: "-7d9c6bd8f4-x2kqp", "-x2kqp".
  const match = /^(.+?)((?:-[bcdfghjklmnpqrstvwxz2456789]{8,10})?-[bcdfghjklmnpqrstvwxz2456789]{5})$/.exec(name);
  return match ? [match[1]!, match[2]!] : [name, ''];
}
