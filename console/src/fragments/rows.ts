// The rows of a Table: read from data, told apart, filtered and sorted.

import { readQuantity } from '../format/quantity';
import { LogBuffer } from '../logview/buffer';
import { type Env, isRecord, readValue, textOf } from './env';
import { plainText, time } from './format';
import { pointerIn } from './pointer';

export interface ReadColumn {
  id: string;
  header: string;
  cell: unknown;
  sort?: 'text' | 'number' | 'date';
  filter?: 'text' | 'set';
  width: 's' | 'm' | 'l' | 'fill';
  hidden: boolean;
  /** Its place in the node. */
  at: number;
}

export interface TableRow {
  key: string;
  value: unknown;
}

export interface Order {
  by: string;
  descending: boolean;
}

const one = <T extends string>(v: unknown, of: readonly T[]): T | undefined => of.find((x) => x === v);

/** The columns of a node, as far as they can be read. */
export function readColumns(columns: unknown, env: Env): ReadColumn[] {
  if (!Array.isArray(columns)) return [];
  const seen = new Set<string>();
  return columns.slice(0, 24).flatMap((c, at) => {
    if (!isRecord(c)) return [];
    let id = typeof c.id === 'string' ? c.id : `column-${at}`;
    if (seen.has(id)) id = `${id}-${at}`;
    seen.add(id);
    return [
      {
        id,
        header: textOf(c.header, env),
        cell: c.cell,
        sort: one(c.sort, ['text', 'number', 'date'] as const),
        filter: one(c.filter, ['text', 'set'] as const),
        width:
          one(c.width, ['s', 'm', 'l', 'fill'] as const) ?? (isRecord(c.cell) && c.cell.is === 'Status' ? 'l' : 'm'),
        hidden: c.hidden === true,
        at,
      },
    ];
  });
}

/** At most so many rows are taken. */
const most = 20_000;

/** The rows of a list; each has a key, whatever the data says. */
export function readRows(value: unknown, key: unknown): TableRow[] {
  const items = value instanceof LogBuffer ? value.raw() : Array.isArray(value) ? value : [];
  const seen = new Map<string, number>();
  return items.slice(0, most).map((item, i) => {
    const found = typeof key === 'string' ? pointerIn(item, key) : undefined;
    const name = typeof found === 'string' || typeof found === 'number' ? String(found) : `#${i}`;
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    return { key: times === 0 ? name : `${name}#${times}`, value: item };
  });
}

/** The words of a cell: what a person reads there, or what it is sorted by. */
export function cellText(cell: unknown, env: Env, raw = false, depth = 0): string {
  if (!isRecord(cell) || depth > 8) return '';
  switch (cell.is) {
    case 'Text':
    case 'Badge':
    case 'Status':
    case 'Link':
    case 'Code':
      return textOf(cell.text, env);
    case 'Value':
      return plainText(readValue(cell.value, env), raw ? undefined : (cell.format as never));
    case 'ResourceLink':
      return plainText(readValue(cell.name, env));
    case 'Stack':
    case 'Row':
      return (Array.isArray(cell.children) ? cell.children : [])
        .slice(0, 20)
        .map((c) => cellText(c, env, raw, depth + 1))
        .filter(Boolean)
        .join(' ');
    default:
      return '';
  }
}

/** The rows that pass the chosen values of set filters and the words of the search (each in some column). */
export function filterRows(
  rows: readonly TableRow[],
  columns: readonly ReadColumn[],
  env: Env,
  chosen: Readonly<Record<string, string>>,
  search: string,
): readonly TableRow[] {
  const sets = columns.filter((c) => c.filter === 'set' && chosen[c.id]);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const searched = columns.filter((c) => c.filter === 'text');
  if (sets.length === 0 && words.length === 0) return rows;
  return rows.filter((row) => {
    const at = { ...env, row: row.value };
    if (!sets.every((c) => cellText(c.cell, at) === chosen[c.id])) return false;
    const text = searched.map((c) => cellText(c.cell, at).toLowerCase());
    return words.every((w) => text.some((t) => t.includes(w)));
  });
}

/** The different values of a column, in the order of their words. */
export function valuesOf(rows: readonly TableRow[], column: ReadColumn, env: Env): string[] {
  const found = new Set<string>();
  for (const row of rows) {
    const text = cellText(column.cell, { ...env, row: row.value });
    if (text !== '') found.add(text);
    if (found.size >= 200) break;
  }
  return [...found].sort((a, b) => a.localeCompare(b));
}

/** Sorts rows by a column; rows without a value come last, equal ones keep their order. */
export function sortRows(
  rows: readonly TableRow[],
  column: ReadColumn | undefined,
  env: Env,
  descending: boolean,
): readonly TableRow[] {
  if (!column?.sort) return rows;
  const words = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
  const keyed = rows.map((row, i) => {
    const raw = cellText(column.cell, { ...env, row: row.value }, true);
    const n = column.sort === 'number' ? readQuantity(raw) : column.sort === 'date' ? time(raw) : undefined;
    return { row, i, raw, n };
  });
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (column.sort === 'text') {
      if (a.raw === '' || b.raw === '') return a.raw === b.raw ? a.i - b.i : a.raw === '' ? 1 : -1;
      return sign * words.compare(a.raw, b.raw) || a.i - b.i;
    }
    if (a.n === undefined || b.n === undefined) return a.n === b.n ? a.i - b.i : a.n === undefined ? 1 : -1;
    // An age grows as its time falls.
    return (column.sort === 'date' ? -sign : sign) * (a.n - b.n) || a.i - b.i;
  });
  return keyed.map((k) => k.row);
}
