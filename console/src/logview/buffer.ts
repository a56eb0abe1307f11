// The lines of a log as they come: bounded, told in batches of one animation
// frame however fast they arrive, the oldest dropped and counted.
import { detectLevel, type Level } from './level';
import { type Source, Sources } from './series';

/** A line as an extension sends it; everything is read with care. */
export interface RawLine {
  time?: unknown;
  pod?: unknown;
  container?: unknown;
  line?: unknown;
  severity?: unknown;
  /** 'notice': a remark about a pod instead of a line of it. */
  kind?: unknown;
}

export interface LogLine {
  /** Grows by one with each line, never given again: the line's name. */
  seq: number;
  /** RFC 3339 as it was sent, '' when there was none. */
  time: string;
  text: string;
  level: Level;
  source: Source;
  notice: boolean;
}

export interface LogOptions {
  /** The most lines that are kept. */
  cap?: number;
  /** Runs a function once, soon; by default with the next frame that is drawn. */
  soon?: (run: () => void) => void;
}

export const defaultCap = 100_000;
/** A longer line is cut: what nobody reads must not fill the memory. */
const maxText = 64 << 10;

/** Anything as words. Objects by what they are as JSON: they may lie about how they are texts. */
function words(v: unknown, most: number): string {
  if (v === undefined || v === null) return '';
  const text = typeof v === 'string' ? v : typeof v === 'object' ? (JSON.stringify(v) ?? '') : String(v);
  return text.length > most ? text.slice(0, most) : text;
}

/** A bounded list of lines. Made for useSyncExternalStore: `subscribe` and `version`. */
export class LogBuffer {
  readonly cap: number;
  readonly sources = new Sources();
  private lines: LogLine[] = [];
  /** Where the list begins: the places before it are already dropped. */
  private head = 0;
  private nextSeq = 0;
  private droppedCount = 0;
  private readonly counts: Record<Level, number> = { error: 0, warn: 0, info: 0, debug: 0, '': 0 };
  private readonly listeners = new Set<() => void>();
  private told = 0;
  private pending = false;
  private readonly soon: (run: () => void) => void;

  constructor(o: LogOptions = {}) {
    this.cap = Math.max(1, o.cap ?? defaultCap);
    this.soon = o.soon ?? nextFrame;
  }

  /** Adds a line; what is no object is a line of text. */
  push(raw: unknown): void {
    const r: RawLine =
      typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? (raw as RawLine) : { line: raw };
    const text = words(r.line, maxText);
    const notice = r.kind === 'notice';
    const line: LogLine = {
      seq: this.nextSeq++,
      time: words(r.time, 40),
      text: text.endsWith('\n') ? text.slice(0, -1) : text,
      level: notice ? '' : detectLevel(text, r.severity),
      source: this.sources.of(words(r.pod, 253), words(r.container, 253)),
      notice,
    };
    this.lines.push(line);
    this.counts[line.level]++;
    if (this.length > this.cap) this.dropFirst();
    this.changed();
  }

  private dropFirst(): void {
    const gone = this.lines[this.head]!;
    this.counts[gone.level]--;
    this.head++;
    this.droppedCount++;
    // The array moves seldom: only when half of it is empty.
    if (this.head > 1024 && this.head * 2 > this.lines.length) {
      this.lines = this.lines.slice(this.head);
      this.head = 0;
    }
  }

  /** Begins anew; the numbers of lines go on. */
  clear(): void {
    this.lines = [];
    this.head = 0;
    this.droppedCount = 0;
    for (const level of Object.keys(this.counts) as Level[]) this.counts[level] = 0;
    this.changed();
  }

  get length(): number {
    return this.lines.length - this.head;
  }
  /** Number of the first line that is kept. */
  get first(): number {
    return this.nextSeq - this.length;
  }
  /** Number that the next line will have. */
  get end(): number {
    return this.nextSeq;
  }
  /** How many lines were dropped because of the cap. */
  get dropped(): number {
    return this.droppedCount;
  }
  /** How many of the kept lines have a level. */
  count(level: Level): number {
    return this.counts[level];
  }

  /** The line of a number, undefined when it is not kept. */
  at(seq: number): LogLine | undefined {
    return seq < this.first ? undefined : this.lines[this.head + seq - this.first];
  }

  /** All kept lines in order. */
  *[Symbol.iterator](): IterableIterator<LogLine> {
    for (let seq = this.first; seq < this.end; seq++) {
      const line = this.at(seq);
      if (line) yield line;
    }
  }

  /** The kept lines as plain data, for what is no log view: {time, pod, container, line, severity, kind}. */
  raw(): Record<string, unknown>[] {
    return Array.from(this, (l) => ({
      time: l.time,
      pod: l.source.pod,
      container: l.source.container,
      line: l.text,
      severity: l.level,
      kind: l.notice ? 'notice' : 'line',
    }));
  }

  /** Grows when listeners are told: once for all lines of a frame. */
  version = (): number => this.told;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private changed(): void {
    if (this.pending) return;
    this.pending = true;
    this.soon(() => {
      this.pending = false;
      this.told++;
      for (const listener of [...this.listeners]) listener();
    });
  }
}

function nextFrame(run: () => void): void {
  // A hidden tab draws no frames; it is told slowly instead of never.
  if (typeof requestAnimationFrame === 'function' && typeof document !== 'undefined' && !document.hidden)
    requestAnimationFrame(run);
  else setTimeout(run, 250);
}
