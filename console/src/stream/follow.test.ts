// Following a path through the ordinary troubles of a day.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StreamClient } from './client';
import { FakeServer } from './fakes';
import { type FollowOptions, follow } from './follow';
import { LineSplitter } from './ndjson';
import { type Problem, readProblem, utf8Bytes } from './protocol';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(o: Partial<FollowOptions> = {}) {
  const fake = new FakeServer();
  const client = new StreamClient({ connect: fake.connect, backoff: { first: 100, random: () => 1 } });
  const phases: string[] = [];
  const problems: Problem[] = [];
  const texts: string[] = [];
  const sub = follow(client, {
    path: () => '/x/logging/lines',
    backoff: { first: 100, random: () => 1 },
    onText: (t) => void texts.push(t),
    onPhase: (p, problem) => {
      phases.push(p);
      if (problem) problems.push(problem);
    },
    ...o,
  });
  fake.last.accept();
  return { fake, client, phases, problems, texts, sub };
}

test('says live when the answer begins and ended when it is over', () => {
  const { fake, phases, texts } = start();
  fake.last.head(1);
  fake.last.text(1, 'a');
  fake.last.end(1);
  expect(phases).toEqual(['connecting', 'live', 'ended']);
  expect(texts).toEqual(['a']);
});

test('asks again when the connection was lost', () => {
  const { fake, phases } = start();
  fake.last.head(1);
  fake.last.breakOff();
  vi.advanceTimersByTime(100);
  fake.last.accept();
  fake.last.head(2);
  expect(phases).toEqual(['connecting', 'live', 'reconnecting', 'live']);
});

test('an answer of 403 is final and keeps what it said', () => {
  const { fake, phases, problems, texts } = start();
  fake.last.head(1, 403);
  fake.last.text(1, '{"title":"No","missing":{"permission":"logging/logs.view",');
  fake.last.text(1, '"scope":{"cluster":"local","project":"demo"}}}');
  fake.last.end(1);
  expect(phases).toEqual(['connecting', 'failed']);
  expect(problems[0]).toEqual({
    title: 'No',
    status: 403,
    missing: { permission: 'logging/logs.view', scope: 'project demo on local' },
  });
  expect(texts).toEqual([]);
});

test('an answer of 503 is asked again after a pause that grows', () => {
  const { fake, phases } = start();
  fake.last.head(1, 503);
  fake.last.end(1);
  vi.advanceTimersByTime(99);
  expect(fake.last.opens()).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(fake.last.opens()).toHaveLength(2);
  fake.last.end(2, { title: 'Breaker open', status: 503 });
  vi.advanceTimersByTime(199);
  expect(fake.last.opens()).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(fake.last.opens()).toHaveLength(3);
  expect(phases.every((p) => p === 'connecting')).toBe(true);
});

test('whoever says when it is worth asking again is asked then', () => {
  const { fake, problems } = start();
  fake.last.head(1, 503);
  fake.last.text(1, '{"status":503,"class":"breaker","cause":"memory","retryAfter":10}');
  fake.last.end(1);
  vi.advanceTimersByTime(9_999);
  expect(fake.last.opens()).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(fake.last.opens()).toHaveLength(2);
  expect(problems[0]).toMatchObject({ class: 'breaker', cause: 'memory', retryAfter: 10 });
  for (const [said, read] of [
    [1e12, 3600],
    [-1, undefined],
    ['9', undefined],
  ])
    expect(readProblem({ retryAfter: said }).retryAfter).toBe(read);
});

test('a peer that answers and ends at once is not asked in a hot loop', () => {
  const { fake } = start({ onEnd: () => true });
  for (let ms = 0; ms < 1000; ms += 10) {
    const id = fake.last.lastOpen().id;
    fake.last.head(id);
    fake.last.text(id, 'x');
    fake.last.end(id);
    vi.advanceTimersByTime(10);
  }
  expect(fake.last.opens().length).toBeLessThan(8);
});

test('closing cancels at once and says nothing more', () => {
  const { fake, phases, sub } = start();
  fake.last.head(1);
  sub.close();
  expect(fake.last.said.at(-1)).toEqual({ type: 'close', id: 1 });
  fake.last.text(1, 'late');
  expect(phases).toEqual(['connecting', 'live']);
});

test('lines come whole, wherever the pieces are cut', () => {
  const text = '{"a":1}\r\n{"b":"é日"}\n\n\n{"c":3}';
  for (let cut = 0; cut <= text.length; cut++) {
    const s = new LineSplitter();
    const lines = [...s.push(text.slice(0, cut)), ...s.push(text.slice(cut)), ...s.flush()];
    expect(lines).toEqual(['{"a":1}', '{"b":"é日"}', '{"c":3}']);
  }
});

test('an endless line is cut and the next one is whole', () => {
  const s = new LineSplitter(10);
  const lines = [...s.push('x'.repeat(25)), ...s.push('y'.repeat(25)), ...s.push('\nshort\n')];
  expect(lines).toEqual(['x'.repeat(10), 'short']);
  expect(s.overlong).toBe(1);
});

test('bytes are counted as UTF-8, also of long texts and broken surrogates', () => {
  const encode = new TextEncoder();
  for (const text of [
    '',
    'abc',
    'é日😀',
    '\ud800x',
    'é😀'.repeat(40_000),
    `${'a'.repeat(19_999)}😀${'b'.repeat(30_000)}`,
  ])
    expect(utf8Bytes(text)).toBeGreaterThanOrEqual(encode.encode(text).length);
  expect(utf8Bytes('é😀'.repeat(10))).toBe(60);
});

test('a Kubernetes Status reads as a problem', () => {
  expect(readProblem('{"kind":"Status","reason":"Forbidden","message":"pods is forbidden","code":403}')).toEqual({
    title: 'Forbidden',
    status: 403,
    detail: 'pods is forbidden',
  });
  expect(readProblem('<html>', 502).title).toBe('The answer was 502');
});
