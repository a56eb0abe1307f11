// One WebSocket for everything that is live in a tab. Subscriptions share it,
// each with its own credit, so that a slow one never holds up the others.
import { Backoff, type BackoffOptions } from './backoff';
import { type ClientMessage, type Problem, readServerMessage, utf8Bytes } from './protocol';

/** live: what is shown is current. reconnecting: trying to get back. offline: the browser has no network. */
export type ConnectionState = 'live' | 'reconnecting' | 'offline';

/** Why a subscription is over. lost: the connection went away, asking again is up to the owner. */
export type End = { kind: 'ended' } | { kind: 'failed'; problem: Problem } | { kind: 'lost' };

export interface Head {
  status: number;
  contentType: string;
}

/** Who listens. `data` may return a promise: credit for the text is given back once it is done. */
export interface Handlers {
  head?(head: Head): void;
  data(text: string): void | Promise<void>;
  end(end: End): void;
}

/** What `open` gives. Closing is final, tells nobody, and cancels the request at once. */
export interface Subscription {
  close(): void;
}

/** WebSocket.OPEN, which a test's socket has not. */
const open = 1;

/** The part of the browser's WebSocket that is used; tests give their own. */
export interface Socket {
  readonly readyState: number;
  onopen: ((e: never) => void) | null;
  onmessage: ((e: { data: unknown }) => void) | null;
  onclose: ((e: { code: number }) => void) | null;
  onerror: ((e: never) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface ClientOptions {
  /** Makes the socket; by default a WebSocket to /api/v1/stream of the page's own origin. */
  connect?: () => Socket;
  /** In which language answers shall be; by default the browser's. */
  language?: () => string;
  /** How much a subscription may receive before it must be read, in bytes. */
  credit?: number;
  /** How long a hidden tab keeps its connection, in milliseconds. */
  hiddenGrace?: number;
  /** How long a tab without subscriptions keeps its connection, in milliseconds. */
  idleGrace?: number;
  backoff?: BackoffOptions;
  /** Called when the server ended the connection by its policy or did not take it at all: the session may be over. */
  onTrouble?(): void;
}

interface Live {
  id: number;
  handlers: Handlers;
  /** Given to the server and not yet used up. */
  window: number;
  /** Read, to be given back in one message. */
  owed: number;
}

/**
 * The stream of one tab. Connects at the first subscription, comes back by
 * itself with growing pauses, rests while the tab is hidden. A lost connection
 * ends all its subscriptions with `lost`; `whenConnected` says when to ask again.
 */
export class StreamClient {
  private readonly connect: () => Socket;
  private readonly language: () => string | undefined;
  private readonly credit: number;
  private readonly hiddenGrace: number;
  private readonly idleGrace: number;
  private readonly backoff: Backoff;
  private readonly onTrouble: () => void;
  private socket: Socket | undefined;
  private ready = false;
  private lastId = 0;
  private readonly subscriptions = new Map<number, Live>();
  private readonly waiting = new Set<() => void>();
  private readonly listeners = new Set<() => void>();
  private current: ConnectionState = 'live';
  private retry: ReturnType<typeof setTimeout> | undefined;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private sleep: ReturnType<typeof setTimeout> | undefined;
  private asleep = false;
  private retryAt = 0;

  constructor(o: ClientOptions = {}) {
    this.connect = o.connect ?? ownSocket;
    this.language = o.language ?? (() => undefined);
    this.credit = o.credit ?? 256 << 10;
    this.hiddenGrace = o.hiddenGrace ?? 30_000;
    this.idleGrace = o.idleGrace ?? 15_000;
    this.backoff = new Backoff(o.backoff);
    this.onTrouble = o.onTrouble ?? (() => {});
  }

  /** Follows the tab's visibility and network from now on; gives the function that stops it. */
  followPage(win: Window = window): () => void {
    const doc = win.document;
    const seen = () => (doc.hidden ? this.pageHidden() : this.pageShown());
    const online = () => this.networkUp();
    const offline = () => this.networkDown();
    doc.addEventListener('visibilitychange', seen);
    win.addEventListener('online', online);
    win.addEventListener('offline', offline);
    return () => {
      doc.removeEventListener('visibilitychange', seen);
      win.removeEventListener('online', online);
      win.removeEventListener('offline', offline);
    };
  }

  /** The state of the connection; a client that nobody uses is live. */
  state = (): ConnectionState => this.current;

  /** When the next try is due (milliseconds since 1970), 0 when none is planned. */
  nextTry = (): number => this.retryAt;

  /** Calls back at every change of state; gives the function that stops it. */
  onState = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tries at once instead of waiting for the next try. */
  tryNow = (): void => {
    if (this.ready || this.asleep) return;
    this.backoff.reset();
    this.stopRetry();
    this.start();
  };

  /** Calls back once when there is a connection (at once when there is one); gives the function that gives up. */
  whenConnected(callback: () => void): () => void {
    if (this.ready) {
      callback();
      return () => {};
    }
    this.waiting.add(callback);
    this.start();
    return () => {
      this.waiting.delete(callback);
      this.restIfIdle();
    };
  }

  /** Asks for a path over a connection that is there; without one it ends with `lost` (asynchronously). */
  open(path: string, handlers: Handlers, accept = 'application/json'): Subscription {
    const id = ++this.lastId;
    const one: Live = { id, handlers, window: this.credit, owed: 0 };
    this.stopRest();
    if (!this.ready) {
      let closed = false;
      queueMicrotask(() => closed || call(() => handlers.end({ kind: 'lost' })));
      return {
        close() {
          closed = true;
        },
      };
    }
    this.subscriptions.set(id, one);
    this.say({ type: 'open', id, path, accept, language: this.language(), credit: this.credit });
    return {
      close: () => {
        if (!this.subscriptions.delete(id)) return;
        this.say({ type: 'close', id });
        this.restIfIdle();
      },
    };
  }

  /** Ends everything; the client may be used again afterwards. */
  close(): void {
    clearTimeout(this.sleep);
    this.asleep = false;
    this.stopRetry();
    this.stopRest();
    this.waiting.clear();
    this.drop();
    this.waiting.clear();
    this.stopRetry();
    this.set('live');
  }

  // The connection.

  private start(): void {
    if (this.socket || this.asleep || this.retry !== undefined) return;
    let socket: Socket;
    try {
      socket = this.connect();
    } catch {
      this.later();
      return;
    }
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.ready = true;
      this.backoff.reset();
      this.set('live');
      const waiting = [...this.waiting];
      this.waiting.clear();
      for (const callback of waiting) call(callback);
      this.restIfIdle();
    };
    socket.onmessage = (e) => {
      if (this.socket === socket) this.take(e.data);
    };
    socket.onerror = () => {};
    socket.onclose = (e) => {
      if (this.socket !== socket) return;
      if (!this.ready || e.code === policyViolation) call(this.onTrouble);
      this.drop();
      if (this.wanted()) this.later();
    };
  }

  private wanted(): boolean {
    return !this.asleep && (this.waiting.size > 0 || this.subscriptions.size > 0);
  }

  private later(): void {
    this.set(isOffline() ? 'offline' : 'reconnecting');
    if (this.retry !== undefined) return;
    const wait = this.backoff.next();
    this.retryAt = Date.now() + wait;
    this.retry = setTimeout(() => {
      this.stopRetry();
      if (this.wanted()) this.start();
    }, wait);
  }

  /** Lets go of the socket; every subscription learns that it lost its connection. */
  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    this.ready = false;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      call(() => socket.close());
    }
    const lost = [...this.subscriptions.values()];
    this.subscriptions.clear();
    // Before they are told, so that asking again joins the next try instead of starting one at once.
    if (lost.length > 0 && !this.asleep) this.later();
    for (const one of lost) call(() => one.handlers.end({ kind: 'lost' }));
  }

  private pageHidden(): void {
    clearTimeout(this.sleep);
    this.sleep = setTimeout(() => {
      this.asleep = true;
      this.stopRetry();
      this.drop();
    }, this.hiddenGrace);
  }

  private pageShown(): void {
    clearTimeout(this.sleep);
    if (this.asleep) {
      this.asleep = false;
      this.backoff.reset();
    }
    if (this.waiting.size > 0) this.tryNow();
    this.restIfIdle();
  }

  private networkUp(): void {
    if (this.current === 'offline') this.set('reconnecting');
    if (this.waiting.size > 0) this.tryNow();
    else if (!this.socket) this.set('live');
  }

  private networkDown(): void {
    if (this.current !== 'live' || this.socket) this.set('offline');
    if (this.socket) this.drop();
  }

  private restIfIdle(): void {
    if (this.subscriptions.size > 0 || this.waiting.size > 0 || this.rest !== undefined || this.asleep) return;
    if (!this.socket) {
      // Nobody waits any more: what is not shown cannot be stale.
      this.stopRetry();
      this.set('live');
      return;
    }
    this.rest = setTimeout(() => {
      this.rest = undefined;
      if (this.subscriptions.size === 0 && this.waiting.size === 0) this.drop();
    }, this.idleGrace);
  }

  private stopRest(): void {
    clearTimeout(this.rest);
    this.rest = undefined;
  }

  private stopRetry(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.retryAt = 0;
  }

  private set(state: ConnectionState): void {
    if (this.current === state) return;
    this.current = state;
    for (const listener of [...this.listeners]) call(listener);
  }

  // The messages.

  private say(m: ClientMessage): void {
    const socket = this.socket;
    // One that is closing hears nothing more, and the browser would complain: the core ends it with the session.
    if (socket?.readyState === open && this.ready) call(() => socket.send(JSON.stringify(m)));
  }

  private take(raw: unknown): void {
    const m = readServerMessage(raw);
    const one = m && this.subscriptions.get(m.id);
    if (!m || !one) return;
    switch (m.type) {
      case 'head':
        call(() => one.handlers.head?.({ status: m.status, contentType: m.contentType }));
        return;
      case 'data':
        this.deliver(one, m.text);
        return;
      case 'end':
        this.subscriptions.delete(m.id);
        call(() => one.handlers.end(m.problem ? { kind: 'failed', problem: m.problem } : { kind: 'ended' }));
        this.restIfIdle();
    }
  }

  private deliver(one: Live, text: string): void {
    const bytes = utf8Bytes(text);
    one.window -= bytes;
    if (one.window < -this.credit) {
      // It sends far more than it was allowed: not the protocol any more.
      this.subscriptions.delete(one.id);
      this.say({ type: 'close', id: one.id });
      call(() => one.handlers.end({ kind: 'failed', problem: { title: 'The server sent more than was asked for' } }));
      this.restIfIdle();
      return;
    }
    const done = call(() => one.handlers.data(text));
    if (isPromise(done)) {
      const back = () => this.giveBack(one, bytes);
      done.then(back, back);
    } else this.giveBack(one, bytes);
  }

  private giveBack(one: Live, bytes: number): void {
    one.owed += bytes;
    if (this.subscriptions.get(one.id) !== one || one.owed * 4 < this.credit) return;
    this.say({ type: 'credit', id: one.id, bytes: one.owed });
    one.window += one.owed;
    one.owed = 0;
  }
}

/** How a WebSocket says that the one who connected may not (any more). */
const policyViolation = 1008;

const isPromise = (v: unknown): v is Promise<void> =>
  typeof v === 'object' && v !== null && typeof (v as { then?: unknown }).then === 'function';

/** Runs what others gave us: their failure is reported and stays theirs. */
function call<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (e) {
    if (typeof reportError === 'function') reportError(e);
    else console.error(e);
    return undefined;
  }
}

const isOffline = (): boolean => typeof navigator !== 'undefined' && navigator.onLine === false;

function ownSocket(): Socket {
  const at = new URL('/api/v1/stream', window.location.href);
  at.protocol = at.protocol === 'https:' ? 'wss:' : 'ws:';
  return new WebSocket(at) as unknown as Socket;
}
