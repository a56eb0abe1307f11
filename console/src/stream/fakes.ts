// A server for tests: sockets that a test opens, breaks and speaks through,
// and answers for ordinary requests.
import type { Socket } from './client';
import type { ClientMessage } from './protocol';

export class FakeSocket implements Socket {
  onopen: ((e: never) => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: ((e: { code: number }) => void) | null = null;
  onerror: ((e: never) => void) | null = null;
  closed = false;
  readyState = 1;
  readonly said: ClientMessage[] = [];

  send(text: string): void {
    this.said.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  accept(): void {
    this.onopen?.(undefined as never);
  }
  breakOff(code = 1006): void {
    this.onclose?.({ code });
  }
  raw(data: unknown): void {
    this.onmessage?.({ data });
  }
  tell(message: unknown): void {
    this.raw(JSON.stringify(message));
  }
  head(id: number, status = 200): void {
    this.tell({ type: 'head', id, status, contentType: 'application/json' });
  }
  text(id: number, text: string): void {
    this.tell({ type: 'data', id, text });
  }
  end(id: number, problem?: unknown): void {
    this.tell({ type: 'end', id, problem });
  }
  opens(): Extract<ClientMessage, { type: 'open' }>[] {
    return this.said.filter((m) => m.type === 'open');
  }
  lastOpen(): Extract<ClientMessage, { type: 'open' }> {
    const all = this.opens();
    return all[all.length - 1]!;
  }
}

/** Sockets in the order they were made. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  connect = (): Socket => {
    const s = new FakeSocket();
    this.sockets.push(s);
    return s;
  };
  get last(): FakeSocket {
    return this.sockets[this.sockets.length - 1]!;
  }
}

/** Answers requests from a list of functions, one for each request. */
export function fakeFetch(...answers: ((url: string) => Response | Promise<Response>)[]) {
  const asked: string[] = [];
  const ask = (async (url: string | URL | Request) => {
    asked.push(String(url));
    const answer = answers.shift();
    if (!answer) throw new TypeError('no answer is left');
    return answer(String(url));
  }) as typeof fetch;
  return { fetch: ask, asked };
}

export const json =
  (value: unknown, status = 200) =>
  () =>
    new Response(JSON.stringify(value), { status, headers: { 'Content-Type': 'application/json' } });
