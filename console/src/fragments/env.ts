// What bindings can see, and how they are read: references, values, texts and
// predicates. All of it pure and total.
import type { Format, Message, Ref, Test, Text, Value } from '../../../sdk/fragment/fragment';
import { readQuantity } from '../format/quantity';
import { plainText } from './format';
import { follow, pointerParts } from './pointer';

/** What a reference can point at. */
export interface Env {
  /** The value of a data source, undefined before it has one. */
  source(name: string): unknown;
  filter: Readonly<Record<string, unknown>>;
  context: Readonly<Record<string, string | undefined>>;
  /** The current row of a Table. */
  row?: unknown;
}

export const isRecord = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

export const isRef = (v: unknown): v is Ref => isRecord(v) && typeof v.$ === 'string';

const isMessage = (v: unknown): v is Message => isRecord(v) && typeof v.t === 'string';

/** What is at an absolute or relative pointer. */
export function look(pointer: string, env: Env): unknown {
  const parts = pointerParts(pointer);
  if (!pointer.startsWith('/')) return follow(env.row, parts);
  const [first, ...rest] = parts;
  if (first === undefined) return undefined;
  if (first === 'filter') return follow(env.filter, rest);
  if (first === 'context') return follow(env.context, rest);
  return follow(env.source(first), rest);
}

/** The value of a Value: as it stands, or what its reference points at. */
export function readValue(value: unknown, env: Env): unknown {
  if (!isRef(value)) return isRecord(value) ? undefined : value;
  const found = look(value.$, env);
  return isNothing(found) && typeof value.else === 'string' ? value.else : found;
}

/** The words of a Text; '' when there are none. */
export function textOf(text: unknown, env: Env, depth = 0): string {
  if (typeof text === 'string') return text;
  if (typeof text === 'number' || typeof text === 'boolean') return String(text);
  if (isRef(text)) {
    const found = look(text.$, env);
    if (isNothing(found)) return typeof text.else === 'string' ? text.else : '';
    return plainText(found, text.as as Format | undefined);
  }
  if (isMessage(text) && depth < 4) {
    const args = isRecord(text.args) ? text.args : {};
    return text.t.replace(/\{([a-z][A-Za-z0-9]{0,31})\}/g, (whole, name: string) =>
      Object.hasOwn(args, name) ? textOf(args[name] as Value as Text, env, depth + 1) : whole,
    );
  }
  return '';
}

const isNothing = (v: unknown): boolean => v === undefined || v === null;

/** Whether there is something: not null, false, empty text or an empty list. */
export function exists(v: unknown): boolean {
  if (isNothing(v) || v === false || v === '') return false;
  return !(Array.isArray(v) && v.length === 0);
}

/** Whether a predicate holds; one that cannot be read does not. */
export function holds(test: unknown, env: Env, depth = 0): boolean {
  if (!isRecord(test) || depth > 16) return false;
  const t = test as Test;
  const list = (v: unknown): unknown[] => (Array.isArray(v) ? v.slice(0, 64) : []);
  if (t.eq !== undefined) return list(t.eq).length === 2 && same(readValue(t.eq[0], env), readValue(t.eq[1], env));
  if (t.in !== undefined) {
    const [first, ...others] = list(t.in);
    const value = readValue(first, env);
    return others.some((other) => same(value, readValue(other, env)));
  }
  if (t.exists !== undefined) return isRef(t.exists) && exists(look(t.exists.$, env));
  if (t.gt !== undefined) {
    const [a, b] = list(t.gt).map((v) => readQuantity(readValue(v, env)));
    return a !== undefined && b !== undefined && a > b;
  }
  if (t.not !== undefined) return isRecord(t.not) && !holds(t.not, env, depth + 1);
  if (t.all !== undefined) return Array.isArray(t.all) && list(t.all).every((one) => holds(one, env, depth + 1));
  if (t.any !== undefined) return list(t.any).some((one) => holds(one, env, depth + 1));
  return false;
}

/** Filters hold texts, data holds numbers and booleans: "3" and 3 are the same, null and nothing too. */
function same(a: unknown, b: unknown): boolean {
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  if (typeof a === 'object' || typeof b === 'object') return false;
  return a === b || String(a) === String(b);
}
