// A Kubernetes list that stays current: list, then watch from its revision,
// resume where it was, list again when that is too old. What is on screen
// stays there while the connection is gone.
import { Backoff, type BackoffOptions } from './backoff';
import type { StreamClient, Subscription } from './client';
import { follow, isMomentary } from './follow';
import { LineSplitter } from './ndjson';
import { type Problem, parseJson, readProblem } from './protocol';

/** Any JSON object; Kubernetes' own fields are read with care. */
export type KubeObject = Record<string, unknown>;

/** loading: no list yet. live: current. reconnecting: as of `asOf`. failed: not until `retry`. */
export type WatchPhase = 'loading' | 'live' | 'reconnecting' | 'failed';

export interface WatchSnapshot {
  phase: WatchPhase;
  /** The objects in the order they became known. A new array whenever something changed. */
  items: readonly KubeObject[];
  /** The list's own fields (kind, apiVersion, columnDefinitions of a Table), without the items. */
  list: KubeObject;
  problem?: Problem;
  /** When the items were last known to be current, milliseconds since 1970; 0 before the first list. */
  asOf: number;
  /** When the next try is due, milliseconds since 1970; 0 when none is planned. */
  nextTry: number;
}

export interface WatchOptions {
  client: StreamClient;
  /** Path of the list, with its selectors as a query. */
  path: string;
  /** What tells two objects apart; by default the uid, else namespace and name. */
  key?(item: KubeObject): string | undefined;
  /** Accept header; a Table is understood too: its rows are the items. */
  accept?: string;
  /** Objects per page of the list. */
  pageSize?: number;
  /** The most objects that are kept; the rest is left out and `list.truncated` is true. */
  most?: number;
  fetch?: typeof fetch;
  backoff?: BackoffOptions;
}

interface Page {
  rows: KubeObject[];
  list: KubeObject;
  revision: string;
  next: string;
}

const isRecord = (v: unknown): v is KubeObject => typeof v === 'object' && v !== null && !Array.isArray(v);
const record = (v: unknown): KubeObject => (isRecord(v) ? v : {});
const words = (v: unknown): string => (typeof v === 'string' ? v : '');

/** The usual key of an object or of a Table's row. */
export function objectKey(item: KubeObject): string | undefined {
  const meta = record(record(item.metadata).name === undefined ? record(item.object).metadata : item.metadata);
  if (words(meta.uid)) return words(meta.uid);
  return words(meta.name) ? `${words(meta.namespace)}/${words(meta.name)}` : undefined;
}

/** One list kept current. Made for useSyncExternalStore: `subscribe` and `snapshot`. */
export class ListWatch {
  private readonly byKey = new Map<string, KubeObject>();
  private readonly listeners = new Set<() => void>();
  private current: WatchSnapshot = { phase: 'loading', items: [], list: {}, asOf: 0, nextTry: 0 };
  private revision = '';
  private dirty = false;
  private scheduled = false;
  private running: AbortController | undefined;
  private watching: Subscription | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly backoff: Backoff;
  /** Pauses between lists that a watch asked for; a watch that says something good ends them. */
  private readonly again: Backoff;
  private readonly key: (item: KubeObject) => string | undefined;

  constructor(private readonly o: WatchOptions) {
    this.backoff = new Backoff({ first: 1000, ...o.backoff });
    this.again = new Backoff({ first: 500, ...o.backoff });
    this.key = o.key ?? objectKey;
  }

  snapshot = (): WatchSnapshot => this.current;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Starts, or starts anew with a fresh list; what is known stays until the new list is there. */
  start = (): void => {
    this.stop();
    this.running = new AbortController();
    void this.relist(this.running.signal);
  };

  stop = (): void => {
    this.running?.abort();
    this.running = undefined;
    this.watching?.close();
    this.watching = undefined;
    clearTimeout(this.timer);
  };

  private async relist(signal: AbortSignal): Promise<void> {
    const rows = new Map<string, KubeObject>();
    let list: KubeObject = {};
    let revision = '';
    let next = '';
    const most = this.o.most ?? 50_000;
    try {
      do {
        const page = await this.page(next, signal);
        if (signal.aborted) return;
        list = { ...page.list, ...(list.columnDefinitions ? { columnDefinitions: list.columnDefinitions } : {}) };
        revision ||= page.revision;
        next = page.next;
        for (const item of page.rows) {
          const k = this.key(item);
          if (k !== undefined && (rows.size < most || rows.has(k))) rows.set(k, item);
        }
      } while (next !== '' && rows.size < most);
    } catch (e) {
      if (!signal.aborted) this.listFailed(e instanceof Refused ? e.problem : unreachable(e), signal);
      return;
    }
    this.backoff.reset();
    this.byKey.clear();
    for (const [k, item] of rows) this.byKey.set(k, item);
    this.revision = revision;
    this.dirty = true;
    this.set({
      phase: 'live',
      list: next === '' ? list : { ...list, truncated: true },
      asOf: Date.now(),
      problem: undefined,
      nextTry: 0,
    });
    this.watch(signal);
  }

  private async page(next: string, signal: AbortSignal): Promise<Page> {
    const query: Record<string, string> = { limit: String(this.o.pageSize ?? 500) };
    if (next) query.continue = next;
    const ask = this.o.fetch ?? fetch;
    const answer = await ask(withQuery(this.o.path, query), {
      signal,
      headers: { Accept: this.o.accept ?? 'application/json' },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Refused(readProblem(text, answer.status));
    const body = parseJson(text);
    if (!isRecord(body)) throw new Refused({ title: 'The list could not be read', status: 502 });
    const { items, rows, metadata, ...list } = body;
    const meta = record(metadata);
    const given = body.kind === 'Table' ? rows : items;
    return {
      rows: Array.isArray(given) ? given.filter(isRecord) : [],
      list,
      revision: words(meta.resourceVersion),
      next: words(meta.continue),
    };
  }

  private listFailed(problem: Problem, signal: AbortSignal): void {
    // A page's token that grew too old: the list begins again.
    if (problem.status === 410 || isMomentary(problem)) {
      const wait = this.backoff.next();
      this.set({ phase: this.current.asOf ? 'reconnecting' : 'loading', problem, nextTry: Date.now() + wait });
      this.timer = setTimeout(() => void this.relist(signal), wait);
    } else this.set({ phase: 'failed', problem, nextTry: 0 });
  }

  private watch(signal: AbortSignal): void {
    let lines = new LineSplitter();
    const relist = () => {
      this.watching?.close();
      this.watching = undefined;
      this.set({ phase: 'reconnecting' });
      const first = this.again.tries === 0;
      const pause = this.again.next();
      const wait = first ? 0 : pause;
      this.timer = setTimeout(() => void this.relist(signal), wait);
    };
    this.watching = follow(this.o.client, {
      accept: this.o.accept,
      backoff: this.o.backoff,
      path: () =>
        withQuery(this.o.path, {
          watch: 'true',
          allowWatchBookmarks: 'true',
          resourceVersion: this.revision,
          timeoutSeconds: '1800',
        }),
      onOpen: () => {
        lines = new LineSplitter();
      },
      onText: (text) => {
        for (const line of lines.push(text)) {
          const e = parseJson(line);
          if (isRecord(e) && this.event(e) === 'old') return relist();
        }
        if (this.dirty) this.schedule();
      },
      onPhase: (phase, problem) => {
        if (signal.aborted) return;
        if (phase === 'live') this.set({ phase: 'live', problem: undefined, asOf: Date.now() });
        // The first connection of a watch right after its list is no interruption.
        else if (phase === 'reconnecting') this.set({ phase: 'reconnecting', problem });
        else if (phase === 'failed' && problem?.status === 410) relist();
        else if (phase === 'failed') this.set({ phase: 'failed', problem });
        else if (phase === 'connecting' && problem) this.set({ phase: 'reconnecting', problem });
      },
      onEnd: () => true,
    });
  }

  private event(e: KubeObject): 'old' | undefined {
    const object = record(e.object);
    if (e.type === 'ERROR') return 'old';
    const revision = words(record(object.metadata).resourceVersion);
    if (e.type === 'BOOKMARK') {
      this.again.reset();
      if (revision) this.revision = revision;
      return;
    }
    const gone = e.type === 'DELETED';
    if (!gone && e.type !== 'ADDED' && e.type !== 'MODIFIED') return;
    const items = object.kind === 'Table' && Array.isArray(object.rows) ? object.rows.filter(isRecord) : [object];
    for (const item of items) {
      const k = this.key(item);
      if (k === undefined) continue;
      if (gone) this.dirty = this.byKey.delete(k) || this.dirty;
      else if (this.byKey.has(k) || this.byKey.size < (this.o.most ?? 50_000)) {
        this.byKey.set(k, item);
        this.dirty = true;
      }
      this.again.reset();
      const own = words(record(item.object ? record(item.object).metadata : item.metadata).resourceVersion);
      if (revision || own) this.revision = revision || own;
    }
    return;
  }

  /** Many events of one instant are one change. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const frame = typeof requestAnimationFrame === 'function' && typeof document !== 'undefined' && !document.hidden;
    const run = () => {
      this.scheduled = false;
      this.set({ asOf: Date.now() });
    };
    if (frame) requestAnimationFrame(run);
    else setTimeout(run, 16);
  }

  private set(change: Partial<WatchSnapshot>): void {
    const items = this.dirty ? [...this.byKey.values()] : this.current.items;
    this.dirty = false;
    this.current = { ...this.current, ...change, items };
    for (const listener of [...this.listeners]) listener();
  }
}

class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }
}

const unreachable = (e: unknown): Problem => ({
  title: 'The server did not answer',
  ...(e instanceof Error && e.message ? { detail: e.message } : {}),
});

/** Adds query parameters to a path that may have some. */
export function withQuery(path: string, add: Record<string, string>): string {
  const cut = path.indexOf('?');
  const query = new URLSearchParams(cut < 0 ? '' : path.slice(cut + 1));
  for (const [name, value] of Object.entries(add)) if (value !== '') query.set(name, value);
  const text = query.toString();
  const bare = cut < 0 ? path : path.slice(0, cut);
  return text ? `${bare}?${text}` : bare;
}
