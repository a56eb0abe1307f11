import { describe, expect, it } from 'vitest';
import { ago, exact, exactSpan, readSpan, readTime, span } from './time';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

describe('span', () => {
  it.each([
    [0, '0\u2009s'],
    [40 * s, '40\u2009s'],
    [59_999, '59\u2009s'],
    [m, '1\u2009min'],
    [3 * m + 59 * s, '3\u2009min'],
    [2 * h, '2\u2009h'],
    [47 * h, '47\u2009h'],
    [48 * h, '2\u2009d'],
    [31 * d, '31\u2009d'],
    [731 * d, '2\u2009y'],
    [-5 * s, '0\u2009s'],
  ])('says %d ms as %s', (ms, want) => expect(span(ms)).toBe(want));
});

describe('exactSpan', () => {
  it.each([
    [12, '12\u2009ms'],
    [4100, '4.1\u2009s'],
    [41 * s, '41\u2009s'],
    [72 * s, '1\u2009min 12\u2009s'],
    [2 * m, '2\u2009min'],
    [90 * m, '1\u2009h 30\u2009min'],
    [3 * d, '3\u2009d'],
  ])('says %d ms as %s', (ms, want) => expect(exactSpan(ms)).toBe(want));
});

describe('ago', () => {
  it('says now for what just happened and for clocks slightly ahead', () => {
    expect(ago(1000, 2000)).toBe('now');
    expect(ago(2000, 1000)).toBe('now');
  });
  it('says how long ago and how long until', () => {
    expect(ago(0, 3 * m)).toBe('3\u2009min ago');
    expect(ago(3 * m, 0)).toBe('in 3\u2009min');
  });
});

describe('reading', () => {
  it('reads what Kubernetes writes', () => {
    expect(readSpan('41s')).toBe(41 * s);
    expect(readSpan('5m10s')).toBe(5 * m + 10 * s);
    expect(readSpan('3d4h')).toBe(3 * d + 4 * h);
  });
  it('refuses anything else', () => {
    for (const text of ['', '5', 'm', '5m ago', '<unknown>', '<invalid>', '1w']) expect(readSpan(text)).toBeUndefined();
    for (const text of ['', null, 3, 'yesterday']) expect(readTime(text)).toBeUndefined();
  });
  it('shows the exact time in UTC', () => {
    expect(exact(readTime('2026-11-20T09:12:41Z')!)).toBe('2026-11-20 09:12:41 UTC');
  });
});
