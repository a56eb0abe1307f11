// One data source at work: asks, polls, watches or appends, and says how it
// stands. Loading, empty, error and retry are the renderer's, so each source
// has all of them in one shape.
import { problemOf } from '../api/problem';
import { LogBuffer } from '../logview/buffer';
import { Backoff } from '../stream/backoff';
import type { StreamClient } from '../stream/client';
import { follow, isMomentary, type Phase } from '../stream/follow';
import { LineSplitter } from '../stream/ndjson';
import { type Problem, parseJson } from '../stream/protocol';
import { ListWatch } from '../stream/watch';
import { pointerIn } from './pointer';
import type { Request } from './request';
import { Resume } from './resume';

export interface SourceState {
  /** waiting: what it needs to ask is not known yet. failed: it has no value, or none that will change. */
  phase: 'waiting' | 'loading' | 'ready' | 'failed';
  value?: unknown;
  /** What went wrong last; with a value, the value is older. */
  problem?: Problem;
  /** Of watch and append: whether it flows. */
  live?: Phase;
  /** When it is asked again by itself, milliseconds since 1970; 0 for never. */
  nextTry: number;
  /** When the value was current, milliseconds since 1970. */
  asOf: number;
}

export const waiting: SourceState = { phase: 'waiting', nextTry: 0, asOf: 0 };

/** What a source needs from outside. */
export interface Means {
  client: StreamClient;
  /** Asks for JSON; throws what problemOf reads. */
  ask(path: string, signal: AbortSignal): Promise<unknown>;
  /** Asks for the lists of watched sources; the browser's own by default. */
  fetch?: typeof fetch;
}

type Tell = (state: SourceState) => void;

/** Starts a source; what it knew before stays until it knows better. Gives the function that stops it. */
export function run(request: Request, means: Means, before: SourceState, tell: Tell): () => void {
  switch (request.mode) {
    case 'watch':
      return watch(request, means, before, tell);
    case 'append':
      return append(request, means, tell);
    default:
      return poll(request, means, before, tell);
  }
}

function poll(request: Request, means: Means, before: SourceState, tell: Tell): () => void {
  const stop = new AbortController();
  const backoff = new Backoff({ first: 1000 });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = false;
  let state: SourceState =
    before.value === undefined ? { phase: 'loading', nextTry: 0, asOf: 0 } : { ...before, phase: 'ready' };
  const set = (change: Partial<SourceState>) => {
    state = { ...state, ...change };
    tell(state);
  };
  const later = (ms: number) => {
    timer = setTimeout(() => {
      // A hidden page asks nothing; it asks at once when it is seen again.
      if (document.hidden) due = true;
      else void ask();
    }, ms);
  };
  const ask = async () => {
    due = false;
    try {
      const value = await means.ask(request.path, stop.signal);
      if (stop.signal.aborted) return;
      backoff.reset();
      set({ phase: 'ready', value, problem: undefined, nextTry: 0, asOf: Date.now() });
      if (request.mode === 'poll') later(request.seconds * 1000);
    } catch (e) {
      if (stop.signal.aborted) return;
      const problem = problemOf(e);
      if (isMomentary(problem)) {
        const wait = Math.max(
          backoff.next(),
          (problem.retryAfter ?? 0) * 1000,
          state.value === undefined ? 0 : request.seconds * 500,
        );
        set({ phase: state.value === undefined ? 'failed' : 'ready', problem, nextTry: Date.now() + wait });
        later(wait);
      } else set({ phase: 'failed', problem, nextTry: 0 });
    }
  };
  const seen = () => {
    if (due && !document.hidden) void ask();
  };
  document.addEventListener('visibilitychange', seen);
  tell(state);
  void ask();
  return () => {
    stop.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}

function watch(request: Request, means: Means, before: SourceState, tell: Tell): () => void {
  const list = new ListWatch({
    client: means.client,
    path: request.path,
    key: (item) => {
      const key = pointerIn(item, request.key);
      return typeof key === 'string' || typeof key === 'number' ? String(key) : undefined;
    },
    most: 20_000,
    fetch: means.fetch,
  });
  const update = () => {
    const s = list.snapshot();
    const known = s.asOf > 0;
    tell({
      phase: s.phase === 'failed' ? 'failed' : known ? 'ready' : s.problem ? 'failed' : 'loading',
      value: known ? (request.single ? s.items[0] : { ...s.list, items: s.items }) : before.value,
      problem: s.problem,
      live: s.phase === 'live' ? 'live' : s.phase === 'loading' ? 'connecting' : s.phase,
      nextTry: s.nextTry,
      asOf: s.asOf,
    });
  };
  const stop = list.subscribe(update);
  update();
  list.start();
  return () => {
    stop();
    list.stop();
  };
}

function append(request: Request, means: Means, tell: Tell): () => void {
  const buffer = new LogBuffer({ cap: request.cap });
  const resume = new Resume();
  let lines = new LineSplitter();
  let opened = false;
  const take = (text: string) => {
    const line = parseJson(text);
    const value = line === undefined ? { line: text } : line;
    if (resume.take(value)) buffer.push(value);
  };
  const following = follow(means.client, {
    path: () => request.path,
    accept: 'application/x-ndjson',
    onOpen: () => {
      lines = new LineSplitter();
      if (opened) resume.reopened();
      opened = true;
    },
    onText: (text) => {
      for (const line of lines.push(text)) take(line);
    },
    onEnd: () => {
      for (const line of lines.flush()) take(line);
      return false;
    },
    onPhase: (live, problem) =>
      tell({
        phase: live === 'failed' && buffer.length === 0 ? 'failed' : opened ? 'ready' : 'loading',
        value: buffer,
        problem,
        live,
        nextTry: 0,
        asOf: Date.now(),
      }),
  });
  return () => following.close();
}
