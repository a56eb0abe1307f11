// Keeping lines: bounded, counted, found, in their place.
import { describe, expect, test } from 'vitest';
import { LogBuffer } from './buffer';
import { logText } from './export';
import { Heights } from './heights';
import { compileMatch } from './match';
import { Matches } from './matches';

function buffer(cap = 1000) {
  const queue: (() => void)[] = [];
  const b = new LogBuffer({ cap, soon: (run) => queue.push(run) });
  return { b, frame: () => queue.splice(0).forEach((run) => void run()) };
}

describe('the buffer', () => {
  test('tells of all lines of a frame at once', () => {
    const { b, frame } = buffer();
    let told = 0;
    b.subscribe(() => told++);
    for (let i = 0; i < 500; i++) b.push({ line: `line ${i}` });
    expect(told).toBe(0);
    frame();
    expect(told).toBe(1);
    expect(b.version()).toBe(1);
  });

  test('keeps the newest lines, counts what it dropped, and numbers stay what they were', () => {
    const { b } = buffer(100);
    for (let i = 0; i < 5000; i++) b.push({ line: i % 10 === 0 ? `ERROR ${i}` : `fine ${i}` });
    expect(b.length).toBe(100);
    expect(b.dropped).toBe(4900);
    expect(b.first).toBe(4900);
    expect(b.at(4899)).toBeUndefined();
    expect(b.at(4950)?.text).toBe('ERROR 4950');
    expect(b.count('error')).toBe(10);
    expect([...b].map((l) => l.seq)).toEqual(Array.from({ length: 100 }, (_, i) => 4900 + i));
  });

  test('takes whatever is sent as a line', () => {
    const { b } = buffer();
    for (const raw of [
      null,
      undefined,
      7,
      'text',
      [],
      {},
      { line: 7 },
      { line: { a: 1 } },
      { time: { toString: 1 }, pod: { valueOf: 2, toString: 3 }, line: { toString: 1 } },
      { pod: {}, container: [], time: 9, severity: {}, kind: {} },
    ])
      expect(() => b.push(raw)).not.toThrow();
    expect([...b].map((l) => l.text)).toEqual(['', '', '7', 'text', '[]', '', '7', '{"a":1}', '{"toString":1}', '']);
    b.push({ line: 'x'.repeat(1 << 20) });
    expect(b.at(10)?.text.length).toBe(64 << 10);
  });

  test('as text it has its sources only when there are several', () => {
    const { b } = buffer();
    b.push({ time: '2026-11-23T14:17:41Z', pod: 'a', container: 'c', line: '\u001b[31mred\u001b[0m' });
    expect(logText(b)).toBe('2026-11-23T14:17:41Z red\n');
    b.push({ time: '2026-11-23T14:17:42Z', pod: 'b', container: 'c', line: 'two' });
    expect(logText(b)).toBe('2026-11-23T14:17:41Z a/c red\n2026-11-23T14:17:42Z b/c two\n');
  });
});

describe('matches', () => {
  test('are counted and found while lines come and go', () => {
    const { b } = buffer(100);
    const m = new Matches(b, compileMatch('hit', false).matcher!);
    for (let i = 0; i < 50; i++) b.push({ line: i % 10 === 5 ? 'a hit' : 'miss' });
    m.catchUp();
    expect(m.count).toBe(5);
    expect(m.beside(-1, false)).toBe(5);
    expect(m.beside(5, false)).toBe(15);
    expect(m.beside(45, false)).toBe(5);
    expect(m.beside(5, true)).toBe(45);
    expect(m.rank(25)).toBe(3);
    expect(m.rank(26)).toBe(0);
    for (let i = 50; i < 126; i++) b.push({ line: 'miss' });
    m.catchUp();
    expect(m.count).toBe(2);
    expect(m.beside(0, false)).toBe(35);
  });

  test('a large log is searched in portions', () => {
    const { b } = buffer(100_000);
    for (let i = 0; i < 45_000; i++) b.push({ line: 'hit' });
    const m = new Matches(b, compileMatch('hit', false).matcher!);
    expect(m.catchUp()).toBe(true);
    expect(m.catchUp()).toBe(true);
    expect(m.catchUp()).toBe(false);
    expect(m.count).toBe(45_000);
  });
});

describe('heights', () => {
  /** The same by the simplest means. */
  class Naive {
    private readonly h = new Map<number, number>();
    first = 0;
    end = 0;
    grow(end: number) {
      for (; this.end < end; this.end++) this.h.set(this.end, 19);
    }
    drop(first: number) {
      for (; this.first < first; this.first++) this.h.delete(this.first);
      if (first > this.end) this.end = first;
    }
    set(seq: number, v: number) {
      if (this.h.has(seq)) this.h.set(seq, v);
    }
    offset(seq: number) {
      let y = 0;
      for (let i = this.first; i < Math.min(seq, this.end); i++) y += this.h.get(i)!;
      return y;
    }
    at(y: number) {
      for (let i = this.first; i < this.end; i++) {
        if (y < this.h.get(i)!) return i;
        y -= this.h.get(i)!;
      }
      return Math.max(this.first, this.end - 1);
    }
  }

  test('are what adding everything up would say, through any growth, drop and change', () => {
    let seed = 42;
    const random = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed % n;
    };
    const fast = new Heights(() => 19);
    const slow = new Naive();
    for (let i = 0; i < 600; i++) {
      const end = slow.end + random(300);
      fast.grow(end);
      slow.grow(end);
      for (let k = 0; k < 5; k++) {
        const seq = slow.first + random(Math.max(1, slow.end - slow.first));
        const height = 19 * (1 + random(9));
        fast.set(seq, height);
        slow.set(seq, height);
      }
      const first = Math.max(slow.first, slow.end - 700 + random(100));
      fast.drop(first);
      slow.drop(first);
      expect([fast.first, fast.end]).toEqual([slow.first, slow.end]);
      expect(fast.total).toBe(slow.offset(slow.end));
      const probe = slow.first + random(Math.max(1, slow.end - slow.first));
      expect(fast.offset(probe)).toBe(slow.offset(probe));
      const y = random(Math.max(1, fast.total));
      expect(fast.at(y)).toBe(slow.at(y));
    }
  });

  test('outside of the log it says the nearest line', () => {
    const h = new Heights(() => 19);
    h.reset(1000, 1010);
    expect(h.at(-5)).toBe(1000);
    expect(h.at(9999)).toBe(1009);
    expect(h.offset(5)).toBe(0);
    expect(h.set(5, 100)).toBe(0);
    h.drop(2000);
    expect([h.first, h.end, h.total]).toEqual([2000, 2000, 0]);
  });
});
