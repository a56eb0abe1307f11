// How serious a line is, read from what it says. Cheap, because every line of
// a burst passes here; wrong is worse than nothing, so it only believes
// conventions that loggers really use.
import { stripControls } from './ansi';

export type Level = 'error' | 'warn' | 'info' | 'debug' | '';

const names: Record<string, Level> = {
  fatal: 'error',
  panic: 'error',
  emerg: 'error',
  emergency: 'error',
  alert: 'error',
  critical: 'error',
  crit: 'error',
  severe: 'error',
  error: 'error',
  err: 'error',
  e: 'error',
  f: 'error',
  warning: 'warn',
  warn: 'warn',
  w: 'warn',
  notice: 'info',
  information: 'info',
  informational: 'info',
  info: 'info',
  i: 'info',
  debug: 'debug',
  dbg: 'debug',
  verbose: 'debug',
  trace: 'debug',
  d: 'debug',
};

/** The level of a name as loggers write it, '' for anything else. */
export function levelOf(name: unknown): Level {
  if (typeof name === 'number') return numeric(name);
  if (typeof name !== 'string') return '';
  const key = name.trim().toLowerCase();
  return Object.hasOwn(names, key) ? names[key]! : '';
}

/** Pino and Bunyan number their levels from 10 (trace) to 60 (fatal). */
function numeric(n: number): Level {
  if (n >= 50 && n <= 60) return 'error';
  if (n >= 40 && n < 50) return 'warn';
  if (n >= 30 && n < 40) return 'info';
  return n >= 10 && n < 30 ? 'debug' : '';
}

// How far into a line its level is looked for.
const reach = 160;
const inJson = /"(?:level|severity|lvl|log\.level|levelname|loglevel)"\s*:\s*(?:"([A-Za-z]{1,13})"|(\d{2})\b)/i;
const inLogfmt = /(?:^|\s)(?:level|lvl|severity)="?([A-Za-z]{1,13})"?(?=\s|$)/i;
const klog = /^([IWEF])\d{4} \d\d:\d\d:\d\d/;
const bracketed = /\[\s?([A-Za-z]{3,11})\s?\]/;
const upper =
  /(?:^|[\s|[(:])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL|CRIT|PANIC|SEVERE)(?=[\s|\]):,]|$)/;
const leading = /^(?:error|fatal|panic|warning|warn|info|debug|trace)(?=[:\s])/i;

/** The level of a line. What the extension says about it goes first. */
export function detectLevel(text: string, severity?: unknown): Level {
  const said = levelOf(severity);
  if (said) return said;
  if (text.charCodeAt(0) === 123 /* { */) {
    // A JSON line may have its level at the end: the whole line is looked at, up to a limit.
    const m = inJson.exec(text.length > 4096 ? text.slice(0, 4096) : text);
    return m ? (m[1] ? levelOf(m[1]) : numeric(Number(m[2]))) : '';
  }
  const head = stripControls(text.length > reach ? text.slice(0, reach) : text);
  const k = klog.exec(head);
  if (k) return levelOf(k[1]);
  const up = upper.exec(head);
  if (up) return levelOf(up[1]);
  const fmt = inLogfmt.exec(head);
  if (fmt) return levelOf(fmt[1]);
  const lead = leading.exec(head);
  if (lead) return levelOf(lead[0]);
  const b = bracketed.exec(head);
  return b ? levelOf(b[1]) : '';
}
