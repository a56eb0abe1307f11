// All data sources of a fragment. A source runs while something shown uses it,
// starts anew when what it asks for changes, and everybody who reads it is told.
import type { Env } from './env';
import { type Request, requestOf } from './request';
import { type Means, run, type SourceState, waiting } from './source';

interface Entry {
  declared: unknown;
  users: number;
  state: SourceState;
  /** Grows with each change of the state. */
  version: number;
  request?: Request;
  stop?: () => void;
  linger?: ReturnType<typeof setTimeout>;
  listeners: Set<() => void>;
}

/** A source that nobody shows runs on for so long (milliseconds): a person may come back to its tab. */
const lingers = 10_000;

export type Surroundings = Pick<Env, 'filter' | 'context'>;

/** The sources of one fragment on one page. */
export class SourceSet {
  private readonly entries = new Map<string, Entry>();
  private around: Surroundings;

  constructor(
    private readonly extension: string,
    data: unknown,
    private readonly means: Means,
    around: Surroundings,
  ) {
    this.around = around;
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return;
    for (const name of Object.keys(data).slice(0, 32))
      this.entries.set(name, {
        declared: (data as Record<string, unknown>)[name],
        users: 0,
        state: waiting,
        version: 0,
        listeners: new Set(),
      });
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  state(name: string): SourceState {
    return this.entries.get(name)?.state ?? waiting;
  }

  version(name: string): number {
    return this.entries.get(name)?.version ?? 0;
  }

  value = (name: string): unknown => this.entries.get(name)?.state.value;

  /** Tells of every change of these sources. */
  subscribe(names: readonly string[], listener: () => void): () => void {
    for (const name of names) this.entries.get(name)?.listeners.add(listener);
    return () => {
      for (const name of names) this.entries.get(name)?.listeners.delete(listener);
    };
  }

  /** Keeps sources running until the function is called that it gives. */
  use(names: readonly string[]): () => void {
    for (const name of names) {
      const e = this.entries.get(name);
      if (!e) continue;
      e.users++;
      clearTimeout(e.linger);
      this.ensure(name, e);
    }
    return () => {
      for (const name of names) {
        const e = this.entries.get(name);
        if (!e || --e.users > 0) continue;
        e.linger = setTimeout(() => this.rest(e), lingers);
      }
    };
  }

  /** Says what filter and context are now. */
  setAround(around: Surroundings): void {
    this.around = around;
    this.review();
  }

  /** Asks sources again. */
  refresh = (names: readonly string[]): void => {
    for (const name of names) {
      const e = this.entries.get(name);
      if (!e?.stop) continue;
      this.rest(e);
      this.ensure(name, e);
    }
  };

  /** Stops everything. */
  dispose(): void {
    for (const e of this.entries.values()) {
      clearTimeout(e.linger);
      this.rest(e);
    }
  }

  private rest(e: Entry): void {
    e.stop?.();
    e.stop = undefined;
    e.request = undefined;
  }

  private review(): void {
    for (const [name, e] of this.entries) if (e.users > 0 || e.stop) this.ensure(name, e);
  }

  /** Runs a source that is used, with what it has to ask now. */
  private ensure(name: string, e: Entry): void {
    const wanted = requestOf(e.declared, this.extension, { ...this.around, source: this.value });
    if ('waits' in wanted || 'broken' in wanted) {
      this.rest(e);
      const state: SourceState =
        'broken' in wanted
          ? {
              phase: 'failed',
              problem: { title: wanted.broken, status: 400, pointer: `/data/${name}` },
              nextTry: 0,
              asOf: 0,
            }
          : waiting;
      if (e.state.phase !== state.phase) this.tell(e, state);
      return;
    }
    if (e.stop && e.request?.path === wanted.path && e.request.mode === wanted.mode) return;
    this.rest(e);
    e.request = wanted;
    let stopped = false;
    let stop = () => {};
    // Set before it runs: what it tells at once must find it running.
    e.stop = () => {
      stopped = true;
      stop();
    };
    stop = run(wanted, this.means, e.state, (state) => {
      if (!stopped) this.tell(e, state);
    });
    if (stopped) stop();
  }

  private tell(e: Entry, state: SourceState): void {
    const grew = state.value !== e.state.value;
    e.state = state;
    e.version++;
    for (const listener of [...e.listeners]) listener();
    // Another source may ask with something from this one.
    if (grew) this.review();
  }
}
