// The closed set of formatters: how a value is written, in the console's words.
import type { Format } from '../../../sdk/fragment/fragment';
import { bytes, count } from '../format/number';
import { readQuantity } from '../format/quantity';
import { exact, exactSpan, readTime, span } from '../format/time';

const thin = '\u2009';
/** Longer texts are cut: a cell is not a place for a megabyte. */
const most = 16_384;

/** A value as text. What a formatter does not understand is written as it is. */
export function plainText(value: unknown, format?: Format): string {
  if (value === undefined || value === null) return '';
  switch (format) {
    case 'number': {
      const n = number(value);
      return n === undefined ? plain(value) : count(n);
    }
    case 'percent': {
      const n = number(value);
      return n === undefined ? plain(value) : `${trim(n * 100)}${thin}%`;
    }
    case 'bytes': {
      const n = readQuantity(value);
      return n === undefined ? plain(value) : bytes(n);
    }
    case 'cpu': {
      const n = readQuantity(value);
      if (n === undefined) return plain(value);
      return Math.abs(n) < 1 ? `${Math.round(n * 1000)}${thin}m` : `${trim(n)}${thin}${n === 1 ? 'core' : 'cores'}`;
    }
    case 'duration': {
      const n = number(value);
      return n === undefined ? plain(value) : exactSpan(n * 1000);
    }
    case 'date': {
      const at = time(value);
      return at === undefined ? plain(value) : exact(at);
    }
    case 'age': {
      const at = time(value);
      return at === undefined ? plain(value) : span(Date.now() - at);
    }
    case 'labels':
      return labels(value)
        .map(([k, v]) => (v === '' ? k : `${k}=${v}`))
        .join(', ');
    case 'json':
      return json(value, 2);
    default:
      return plain(value);
  }
}

/** A point in time as milliseconds: RFC 3339, or a number of milliseconds. */
export function time(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && Math.abs(value) < 8.64e15 ? value : undefined;
  return typeof value === 'string' && value.length < 64 ? readTime(value) : undefined;
}

/** Name and value of labels: an object of texts, or a list of texts. */
export function labels(value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.slice(0, 100).map((v) => [plain(v), '']);
  if (typeof value !== 'object' || value === null)
    return value === undefined || value === null ? [] : [[plain(value), '']];
  return Object.entries(value)
    .slice(0, 100)
    .map(([k, v]) => [k, plain(v)]);
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value.length > most ? `${value.slice(0, most)}…` : value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return value === undefined || value === null ? '' : json(value, 0);
}

function json(value: unknown, indent: number): string {
  try {
    const text = JSON.stringify(value, null, indent) ?? '';
    return text.length > most ? `${text.slice(0, most)}…` : text;
  } catch {
    return '';
  }
}

const trim = (n: number): string => {
  const text = Math.abs(n) >= 100 ? n.toFixed(0) : n.toFixed(1);
  return text.endsWith('.0') ? text.slice(0, -2) : text;
};

function number(value: unknown): number | undefined {
  const n =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^-?\d/.test(value.trim())
        ? Number(value)
        : Number.NaN;
  return Number.isFinite(n) ? n : undefined;
}
