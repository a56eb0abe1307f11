// A made-up core for the gallery: answers for requests and a stream that a test
// speaks through.
import type { Page, WebSocketRoute } from '@playwright/test';

interface Opened {
  id: number;
  path: string;
}

/** What a page of the gallery talks to. */
export class World {
  readonly opened: Opened[] = [];
  readonly closed: number[] = [];
  private socket: WebSocketRoute | undefined;
  private readonly waiting: (() => void)[] = [];
  /** Answers by the beginning of a path. */
  readonly answers = new Map<string, unknown>();

  async attach(page: Page): Promise<void> {
    await page.route(/\/(x|clusters|api)\//, async (route) => {
      const path = new URL(route.request().url()).pathname;
      const found = [...this.answers].find(([begin]) => path.startsWith(begin));
      if (!found) await route.fulfill({ status: 404, json: { title: 'Not found', status: 404 } });
      else if (typeof found[1] === 'function') await route.fulfill((found[1] as () => object)());
      else await route.fulfill({ json: found[1] });
    });
    await page.routeWebSocket(/\/api\/v1\/stream/, (ws) => {
      this.socket = ws;
      ws.onMessage((raw) => {
        const m = JSON.parse(String(raw));
        if (m.type === 'open') this.opened.push({ id: m.id, path: m.path });
        if (m.type === 'close') this.closed.push(m.id);
        for (const wake of this.waiting.splice(0)) wake();
      });
    });
  }

  /** The last subscription to a path, once there is one after `after` others. */
  async subscription(begin: string, after = 0): Promise<number> {
    for (;;) {
      const found = this.opened.filter((o) => o.path.startsWith(begin));
      if (found.length > after) return found[found.length - 1]!.id;
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }

  path(id: number): string {
    return this.opened.find((o) => o.id === id)?.path ?? '';
  }

  tell(message: unknown): void {
    this.socket?.send(JSON.stringify(message));
  }
  head(id: number, status = 200): void {
    this.tell({ type: 'head', id, status, contentType: 'application/x-ndjson' });
  }
  lines(id: number, lines: unknown[]): void {
    for (let i = 0; i < lines.length; i += 200)
      this.tell({
        type: 'data',
        id,
        text: lines
          .slice(i, i + 200)
          .map((l) => `${JSON.stringify(l)}\n`)
          .join(''),
      });
  }
  end(id: number, problem?: unknown): void {
    this.tell({ type: 'end', id, problem });
  }
  async breakOff(): Promise<void> {
    await this.socket?.close();
  }
}

const pods = [
  'checkout-api-7d9c6bd8f4-m0tcl',
  'checkout-api-7d9c6bd8f4-2vq7n',
  'cart-7d9c6bd8f4-x2kqp',
  'cart-7d9c6bd8f4-9hm4t',
];
const texts: [string, string][] = [
  ['info', 'POST /v2/checkout 201 94 ms order=ord_8F3KQ2 items=3'],
  ['info', 'cart c_771902 locked for payment, 3 lines, 148.90 EUR'],
  ['debug', 'redis GET cart:c_771911 hit 0.4 ms'],
  ['warning', 'payment-gateway slow: 912 ms, budget 800 ms, attempt 1 of 3'],
  ['error', 'dial tcp 10.43.88.12:7443: connect: connection refused upstream=fraud-score'],
  [
    'error',
    '{"level":"error","msg":"payment declined","order":"ord_8F3KR1","provider":"harbour","code":"do_not_honor","amount":{"value":219.4,"currency":"EUR"},"attempt":2}',
  ],
  [
    '',
    '\u001b[32mINFO\u001b[0m \u001b[1mpayment\u001b[0m intent \u001b[36mpi_5T0\u001b[0m created \u001b[33mprovider=harbour\u001b[0m',
  ],
];

/** Lines as the logging extension sends them. */
export function madeLines(from: number, n: number, start = Date.now() - 60_000): unknown[] {
  return Array.from({ length: n }, (_, k) => {
    const i = from + k;
    const [severity, line] = texts[i % texts.length]!;
    return {
      time: new Date(start + i * 137).toISOString(),
      pod: pods[(i * 7) % pods.length],
      container: 'api',
      line: `${line}`,
      ...(severity ? { severity } : {}),
    };
  });
}

export const podList = {
  names: pods,
  containers: ['api', 'mesh-proxy'],
  items: pods.map((name, i) => ({
    name,
    uid: `u${i}`,
    state: ['Running', 'CrashLoopBackOff', 'Pending', 'Running'][i],
    createdAt: new Date(Date.now() - (i + 1) * 3_600_000).toISOString(),
  })),
};
