// The state of Filter controls: read from the page's query, with defaults, and
// written back to it, so that a link shows the same.
import type { Control } from '../../../sdk/fragment/fragment';
import { isRecord } from './env';

export type FilterValue = string | boolean | string[];

/** All controls of a fragment in their order, the first of a name. */
export function controlsOf(body: unknown): Control[] {
  const found = new Map<string, Control>();
  const visit = (node: unknown, depth: number) => {
    if (depth > 64 || found.size >= 256) return;
    if (Array.isArray(node)) for (const one of node) visit(one, depth + 1);
    else if (isRecord(node)) {
      if (node.is === 'Filter' && Array.isArray(node.controls))
        for (const c of node.controls) if (isControl(c) && !found.has(c.id)) found.set(c.id, c);
      for (const key of Object.keys(node)) if (key !== 'fallback') visit(node[key], depth + 1);
    }
  };
  visit(body, 0);
  return [...found.values()];
}

export function isControl(c: unknown): c is Control {
  return isRecord(c) && typeof c.id === 'string' && /^[a-z][A-Za-z0-9]{0,31}$/.test(c.id) && typeof c.kind === 'string';
}

/** The value of a control in a query; its default when the query does not say. */
export function readControl(c: Control, query: URLSearchParams): FilterValue {
  const said = query.getAll(c.id);
  if (c.kind === 'toggle') return said.length > 0 ? said[0] === 'true' : c.default === true;
  if (c.kind === 'multi') {
    const list =
      said.length > 0 ? said : Array.isArray(c.default) ? c.default.filter((v) => typeof v === 'string') : [];
    return [...new Set(list.filter((v) => v !== ''))].slice(0, 64);
  }
  return (said[0] ?? (typeof c.default === 'string' ? c.default : '')).slice(0, 1024);
}

/** The values of all controls by their names. */
export function readFilter(controls: readonly Control[], query: URLSearchParams): Record<string, FilterValue> {
  const values: Record<string, FilterValue> = Object.create(null);
  for (const c of controls) values[c.id] = readControl(c, query);
  return values;
}

/** Writes a control into a query. What is the default is left out; an emptied default is said. */
export function writeControl(c: Control, value: FilterValue, query: URLSearchParams): void {
  const bare = new URLSearchParams();
  const list = Array.isArray(value) ? value : [String(value)];
  query.delete(c.id);
  if (JSON.stringify(readControl(c, bare)) === JSON.stringify(value)) return;
  for (const one of list.length > 0 ? list : ['']) query.append(c.id, one);
}
