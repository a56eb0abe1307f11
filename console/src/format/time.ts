// Times in the console's words: "now", "40 s ago", "3 min ago"; in tables "3 d". A thin space stands before the unit.
import { language, t } from '../words/words';

const thin = '\u2009';
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A span of time in its largest whole unit: "40 s", "3 min", "2 h", "3 d". Negative spans (skewed clocks) count as nothing. */
export function span(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < minute) return `${Math.floor(ms / second)}${thin}s`;
  if (ms < hour) return `${Math.floor(ms / minute)}${thin}min`;
  if (ms < 2 * day) return `${Math.floor(ms / hour)}${thin}h`;
  if (ms < 730 * day) return `${Math.floor(ms / day)}${thin}d`;
  return `${Math.floor(ms / (365 * day))}${thin}y`;
}

/** Like span with two units where the first is small: "1 min 12 s". For durations that are read exactly. */
export function exactSpan(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < second) return `${Math.round(ms)}${thin}ms`;
  if (ms < 10 * second) return `${(ms / second).toFixed(1)}${thin}s`;
  if (ms < minute) return span(ms);
  if (ms < hour) {
    const rest = Math.floor((ms % minute) / second);
    return rest === 0 ? span(ms) : `${span(ms)} ${rest}${thin}s`;
  }
  const rest = Math.floor((ms % hour) / minute);
  return ms < day && rest > 0 ? `${Math.floor(ms / hour)}${thin}h ${rest}${thin}min` : span(ms);
}

/** How long ago, in a sentence: "now", "40 s ago", "in 3 min". */
export function ago(at: number, now: number): string {
  const past = now - at;
  if (Math.abs(past) < 3 * second) return t('now');
  return past > 0 ? t('{span} ago', { span: span(past) }) : t('in {span}', { span: span(-past) });
}

/** The exact time for a hover: "2026-11-20 09:12:41 UTC". */
export function exact(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The time of day: "09:12 UTC". */
export function timeOfDay(at: number): string {
  return `${new Date(at).toISOString().slice(11, 16)} UTC`;
}

/** A date to read: "20 Nov 2026". */
export function date(at: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeZone: 'UTC' }).format(at);
}

/** Reads an RFC 3339 time; undefined for anything else. */
export function readTime(text: unknown): number | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** Reads a Kubernetes short duration such as "41s", "5m10s", "3d4h", "2y11d" in milliseconds; undefined for anything else. */
export function readSpan(text: string): number | undefined {
  const units: Record<string, number> = { s: second, m: minute, h: hour, d: day, y: 365 * day };
  if (!/^(\d+[smhdy])+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)([smhdy])/g)) sum += Number(n) * units[unit!]!;
  return sum;
}

/** How long a shown age stays right, in milliseconds: seconds tick each second, hours need no tick each second. */
export function staysFor(age: number): number {
  if (age < minute) return second;
  if (age < hour) return 10 * second;
  return minute;
}
