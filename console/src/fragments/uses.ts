// Which data sources a node itself reads, so that it is drawn again when one of
// them changes and not when any other does.
import { isRecord } from './env';
import { pointerParts } from './pointer';

const known = new WeakMap<object, string[]>();

// Where other nodes stand inside a node: they read for themselves. A Table's cells are drawn with it.
const inner = new Set(['children', 'body', 'fallback', 'empty']);

/** The names of the data sources that a node's own references name. */
export function sourcesIn(node: unknown): string[] {
  if (!isRecord(node)) return [];
  let names = known.get(node);
  if (!names) {
    const found = new Set<string>();
    collect(node, found, 0);
    names = [...found];
    known.set(node, names);
  }
  return names;
}

function collect(value: unknown, found: Set<string>, depth: number): void {
  if (depth > 32 || found.size > 64) return;
  if (typeof value === 'string') {
    // Only links have pointers in their text.
    for (const m of value.matchAll(/\{(\/[^{}]{1,256})\}/g)) add(m[1]!, found);
  } else if (Array.isArray(value)) for (const one of value.slice(0, 1000)) collect(one, found, depth + 1);
  else if (isRecord(value)) {
    if (typeof value.$ === 'string') add(value.$, found);
    for (const key of Object.keys(value)) if (!inner.has(key)) collect(value[key], found, depth + 1);
  }
}

function add(pointer: string, found: Set<string>): void {
  const [first] = pointer.startsWith('/') ? pointerParts(pointer) : [];
  if (first !== undefined && first !== 'filter' && first !== 'context') found.add(first);
}
