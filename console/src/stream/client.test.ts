// The connection of a tab: what a person would notice when it did not hold.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type End, StreamClient } from './client';
import { FakeServer } from './fakes';

const server = () => {
  const fake = new FakeServer();
  const client = new StreamClient({ connect: fake.connect, credit: 1000, backoff: { first: 100, random: () => 1 } });
  return { fake, client };
};

function listen() {
  const texts: string[] = [];
  const ends: End[] = [];
  const heads: number[] = [];
  return {
    texts,
    ends,
    heads,
    handlers: {
      head: (h: { status: number }) => void heads.push(h.status),
      data: (t: string) => void texts.push(t),
      end: (e: End) => void ends.push(e),
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the connection', () => {
  test('is made at the first wish and shared by all subscriptions', () => {
    const { fake, client } = server();
    expect(fake.sockets).toHaveLength(0);
    const a = listen();
    const b = listen();
    client.whenConnected(() => client.open('/api/v1/a', a.handlers));
    client.whenConnected(() => client.open('/api/v1/b', b.handlers));
    expect(fake.sockets).toHaveLength(1);
    fake.last.accept();
    expect(fake.last.opens().map((m) => m.path)).toEqual(['/api/v1/a', '/api/v1/b']);
    fake.last.text(2, 'for b');
    expect(a.texts).toEqual([]);
    expect(b.texts).toEqual(['for b']);
  });

  test('tells its subscriptions that it is lost and comes back by itself', () => {
    const { fake, client } = server();
    const a = listen();
    client.whenConnected(() => client.open('/a', a.handlers));
    fake.last.accept();
    expect(client.state()).toBe('live');
    fake.last.breakOff();
    expect(a.ends).toEqual([{ kind: 'lost' }]);
    expect(client.state()).toBe('reconnecting');
    client.whenConnected(() => client.open('/a', a.handlers));
    expect(fake.sockets).toHaveLength(1);
    vi.advanceTimersByTime(100);
    expect(fake.sockets).toHaveLength(2);
    fake.last.accept();
    expect(client.state()).toBe('live');
    expect(fake.last.opens()).toHaveLength(1);
  });

  test('says nothing into a socket that is closing', () => {
    const { fake, client } = server();
    const a = listen();
    let subscription: { close(): void } | undefined;
    client.whenConnected(() => {
      subscription = client.open('/a', a.handlers);
    });
    fake.last.accept();
    expect(fake.last.said).toHaveLength(1);
    fake.last.readyState = 2;
    subscription!.close();
    client.open('/b', a.handlers);
    expect(fake.last.said).toHaveLength(1);
    fake.last.breakOff();
    expect(a.ends).toEqual([{ kind: 'lost' }]); // of what was asked for meanwhile
  });

  test('waits longer after each failure and at once when told to', () => {
    const { fake, client } = server();
    client.whenConnected(() => {});
    fake.last.breakOff();
    vi.advanceTimersByTime(100);
    expect(fake.sockets).toHaveLength(2);
    fake.last.breakOff();
    vi.advanceTimersByTime(150);
    expect(fake.sockets).toHaveLength(2);
    client.tryNow();
    expect(fake.sockets).toHaveLength(3);
  });

  test('rests while the tab is hidden and resumes when it is seen again', () => {
    const { fake, client } = server();
    const stop = client.followPage(window);
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    const a = listen();
    const again = () => client.whenConnected(() => client.open('/a', a.handlers));
    again();
    fake.last.accept();
    document.dispatchEvent(new Event('visibilitychange'));
    expect(fake.last.closed).toBe(false);
    vi.advanceTimersByTime(30_000);
    expect(fake.last.closed).toBe(true);
    expect(a.ends).toEqual([{ kind: 'lost' }]);
    again();
    vi.advanceTimersByTime(600_000);
    expect(fake.sockets).toHaveLength(1);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event('visibilitychange'));
    expect(fake.sockets).toHaveLength(2);
    stop();
  });

  test('goes when nobody uses it any more', () => {
    const { fake, client } = server();
    const a = listen();
    let sub = { close() {} };
    client.whenConnected(() => {
      sub = client.open('/a', a.handlers);
    });
    fake.last.accept();
    sub.close();
    expect(fake.last.said.at(-1)).toEqual({ type: 'close', id: 1 });
    vi.advanceTimersByTime(15_000);
    expect(fake.last.closed).toBe(true);
    expect(client.state()).toBe('live');
    expect(a.ends).toEqual([]);
  });

  test('asks about the session when it is refused, not when it is merely lost', () => {
    const fake = new FakeServer();
    const onTrouble = vi.fn();
    const client = new StreamClient({ connect: fake.connect, onTrouble, backoff: { first: 100, random: () => 1 } });
    client.whenConnected(() => {});
    fake.last.accept();
    fake.last.breakOff();
    expect(onTrouble).not.toHaveBeenCalled();
    client.whenConnected(() => {});
    vi.advanceTimersByTime(100);
    fake.last.breakOff();
    expect(onTrouble).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1000);
    fake.last.accept();
    fake.last.breakOff(1008);
    expect(onTrouble).toHaveBeenCalledTimes(2);
  });

  test('says offline when the browser has no network', () => {
    const { fake, client } = server();
    const stop = client.followPage(window);
    const onLine = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    const seen: string[] = [];
    client.onState(() => seen.push(client.state()));
    client.whenConnected(() => {});
    fake.last.accept();
    client.open('/a', listen().handlers);
    window.dispatchEvent(new Event('offline'));
    client.whenConnected(() => {});
    expect(seen).toEqual(['offline']);
    onLine.mockReturnValue(true);
    window.dispatchEvent(new Event('online'));
    fake.last.accept();
    expect(client.state()).toBe('live');
    stop();
  });
});

describe('credit', () => {
  test('is given back in bytes of UTF-8 as the text is read', () => {
    const { fake, client } = server();
    const a = listen();
    client.whenConnected(() => client.open('/a', a.handlers));
    fake.last.accept();
    expect(fake.last.lastOpen().credit).toBe(1000);
    fake.last.text(1, 'é'.repeat(100));
    expect(fake.last.said).toHaveLength(1);
    fake.last.text(1, '日'.repeat(20));
    expect(fake.last.said.at(-1)).toEqual({ type: 'credit', id: 1, bytes: 260 });
  });

  test('waits for a reader that is slow', async () => {
    const { fake, client } = server();
    let done = () => {};
    client.whenConnected(() =>
      client.open('/a', { data: () => new Promise<void>((resolve) => (done = resolve)), end: () => {} }),
    );
    fake.last.accept();
    fake.last.text(1, 'x'.repeat(600));
    await vi.advanceTimersByTimeAsync(1000);
    expect(fake.last.said).toHaveLength(1);
    done();
    await vi.advanceTimersByTimeAsync(0);
    expect(fake.last.said.at(-1)).toEqual({ type: 'credit', id: 1, bytes: 600 });
  });

  test('a server that ignores it is cut off', () => {
    const { fake, client } = server();
    const ends: End[] = [];
    client.whenConnected(() =>
      client.open('/a', { data: () => new Promise<void>(() => {}), end: (e) => void ends.push(e) }),
    );
    fake.last.accept();
    for (let i = 0; i < 3; i++) fake.last.text(1, 'x'.repeat(900));
    expect(ends.map((e) => e.kind)).toEqual(['failed']);
    expect(fake.last.said.at(-1)).toEqual({ type: 'close', id: 1 });
  });
});

describe('a hostile server', () => {
  test('throws nothing into the page, whatever it sends', () => {
    const { fake, client } = server();
    const a = listen();
    client.whenConnected(() => client.open('/a', a.handlers));
    fake.last.accept();
    const nasty: unknown[] = [
      '',
      'null',
      '[]',
      '{',
      '7',
      '"x"',
      new ArrayBuffer(8),
      undefined,
      null,
      {},
      '{"type":"data","id":1}',
      '{"type":"data","id":"1","text":"x"}',
      '{"type":"data","id":1,"text":7}',
      '{"type":"head","id":1,"status":"200"}',
      '{"type":"head","id":1.5,"status":200}',
      '{"type":"open","id":1}',
      '{"type":"data","id":99,"text":"nobody"}',
      '{"type":"end","id":99}',
      '{"__proto__":{"type":"end"},"id":1}',
      `{"type":"data","id":1,"text":"${'x'.repeat(5 << 20)}"}`,
      '{"type":"end","id":-0,"problem":[1]}',
    ];
    for (const m of nasty) expect(() => fake.last.raw(m)).not.toThrow();
    expect(a.texts).toEqual([]);
    expect(a.ends).toEqual([]);
    fake.last.tell({
      type: 'end',
      id: 1,
      problem: { title: 7, status: '500', missing: [], pointer: {}, detail: 'so' },
    });
    expect(a.ends).toEqual([{ kind: 'failed', problem: { title: 'The answer could not be read', detail: 'so' } }]);
  });

  test('a listener that throws hurts nobody else', () => {
    const { fake, client } = server();
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    const b = listen();
    client.whenConnected(() => {
      client.open('/a', {
        data: () => {
          throw new Error('mine');
        },
        end: () => {},
      });
      client.open('/b', b.handlers);
    });
    fake.last.accept();
    expect(() => fake.last.text(1, 'x')).not.toThrow();
    fake.last.text(2, 'y');
    expect(b.texts).toEqual(['y']);
    expect(report).toHaveBeenCalledOnce();
    vi.unstubAllGlobals();
  });
});
