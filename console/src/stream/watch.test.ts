// A list that stays current: what is on screen is true, or says that it is not.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StreamClient } from './client';
import { FakeServer, fakeFetch, json } from './fakes';
import { ListWatch, objectKey, withQuery } from './watch';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const pod = (name: string, revision: string) => ({
  kind: 'Pod',
  metadata: { name, uid: `uid-${name}`, resourceVersion: revision },
});
const list = (revision: string, ...items: unknown[]) =>
  json({ kind: 'PodList', metadata: { resourceVersion: revision }, items });
const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

async function start(...answers: Parameters<typeof fakeFetch>) {
  const fake = new FakeServer();
  const client = new StreamClient({ connect: fake.connect, backoff: { first: 100, random: () => 1 } });
  const { fetch, asked } = fakeFetch(...answers);
  const live = new ListWatch({
    client,
    path: '/clusters/local/api/v1/pods?labelSelector=a%3Db',
    fetch,
    backoff: { first: 100, random: () => 1 },
  });
  const names = () => live.snapshot().items.map((i) => (i.metadata as { name: string }).name);
  live.start();
  await vi.advanceTimersByTimeAsync(0);
  return { fake, client, live, asked, names };
}

const settle = () => vi.advanceTimersByTimeAsync(50);

test('lists, then follows from where the list was', async () => {
  const { fake, live, asked, names } = await start(list('10', pod('a', '3'), pod('b', '9')));
  expect(asked[0]).toBe('/clusters/local/api/v1/pods?labelSelector=a%3Db&limit=500');
  expect(live.snapshot().phase).toBe('live');
  fake.last.accept();
  const path = new URL(fake.last.lastOpen().path, 'http://x');
  expect(path.searchParams.get('watch')).toBe('true');
  expect(path.searchParams.get('resourceVersion')).toBe('10');
  expect(path.searchParams.get('labelSelector')).toBe('a=b');
  fake.last.head(1);
  fake.last.text(1, line('ADDED', pod('c', '11')) + line('DELETED', pod('a', '12')).slice(0, 20));
  fake.last.text(1, line('DELETED', pod('a', '12')).slice(20));
  await settle();
  expect(names()).toEqual(['b', 'c']);
});

test('reads all pages of a long list', async () => {
  const { asked, names, live } = await start(
    json({ metadata: { resourceVersion: '5', continue: 'next/1' }, items: [pod('a', '1')] }),
    json({ metadata: { resourceVersion: '5' }, items: [pod('b', '2')] }),
  );
  expect(asked[1]).toContain('continue=next%2F1');
  expect(names()).toEqual(['a', 'b']);
  expect(live.snapshot().list.truncated).toBeUndefined();
});

test('rows stay while it reconnects, and it resumes after the last event', async () => {
  const { fake, live, names, asked } = await start(list('10', pod('a', '3')));
  fake.last.accept();
  fake.last.head(1);
  fake.last.text(1, line('MODIFIED', pod('a', '15')) + line('BOOKMARK', { metadata: { resourceVersion: '40' } }));
  await settle();
  fake.last.breakOff();
  await settle();
  expect(live.snapshot().phase).toBe('reconnecting');
  expect(names()).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(100);
  fake.last.accept();
  expect(fake.last.lastOpen().path).toContain('resourceVersion=40');
  fake.last.head(2);
  expect(live.snapshot().phase).toBe('live');
  expect(asked).toHaveLength(1);
});

test.each([
  ['as an event', (f: FakeServer) => f.last.text(1, line('ERROR', { kind: 'Status', code: 410 }))],
  ['as a status', (f: FakeServer) => [f.last.head(2, 410), f.last.end(2)]],
])('a revision that is too old, told %s, lists again and replaces what is gone', async (how, tell) => {
  const { fake, live, names } = await start(list('10', pod('a', '3')), list('90', pod('z', '80')));
  fake.last.accept();
  fake.last.head(1);
  if (how === 'as a status') {
    fake.last.breakOff();
    await vi.advanceTimersByTimeAsync(100);
    fake.last.accept();
  }
  tell(fake);
  expect(names()).toEqual(['a']);
  await settle();
  expect(names()).toEqual(['z']);
  expect(fake.last.lastOpen().path).toContain('resourceVersion=90');
  expect(live.snapshot().phase).toBe('live');
});

test('a denial is final and names what is missing', async () => {
  const { live } = await start(json({ title: 'No', missing: { permission: 'workloads.view' } }, 403));
  expect(live.snapshot()).toMatchObject({ phase: 'failed', problem: { missing: { permission: 'workloads.view' } } });
});

test('a server that does not answer is asked again and says when', async () => {
  const { live, names } = await start(() => Promise.reject(new TypeError('Failed to fetch')), list('1', pod('a', '1')));
  expect(live.snapshot()).toMatchObject({ phase: 'loading', problem: { title: 'The server did not answer' } });
  expect(live.snapshot().nextTry).toBe(Date.now() + 100);
  await vi.advanceTimersByTimeAsync(100);
  expect(names()).toEqual(['a']);
});

test('a thousand events of one instant are one change', async () => {
  const { fake, live } = await start(list('1'));
  fake.last.accept();
  fake.last.head(1);
  const told = vi.fn();
  live.subscribe(told);
  let text = '';
  for (let i = 0; i < 1000; i++) text += line('ADDED', pod(`p${i}`, String(i + 2)));
  fake.last.text(1, text);
  await settle();
  expect(told).toHaveBeenCalledTimes(1);
  expect(live.snapshot().items).toHaveLength(1000);
});

test('Tables are followed by their rows', async () => {
  const row = (name: string, rv: string) => ({
    cells: [name],
    object: { metadata: { name, uid: name, resourceVersion: rv } },
  });
  const { fake, live } = await start(
    json({
      kind: 'Table',
      metadata: { resourceVersion: '4' },
      columnDefinitions: [{ name: 'Name' }],
      rows: [row('a', '1')],
    }),
  );
  fake.last.accept();
  fake.last.head(1);
  fake.last.text(1, line('ADDED', { kind: 'Table', metadata: {}, columnDefinitions: null, rows: [row('b', '7')] }));
  await settle();
  expect(live.snapshot().items.map(objectKey)).toEqual(['a', 'b']);
  expect(live.snapshot().list.columnDefinitions).toEqual([{ name: 'Name' }]);
});

test('events that make no sense change nothing and stop nothing', async () => {
  const { fake, names } = await start(list('1', pod('a', '1')));
  fake.last.accept();
  fake.last.head(1);
  for (const nasty of [
    'null',
    '[]',
    '7',
    '{',
    '{"type":"ADDED"}',
    '{"type":"ADDED","object":[]}',
    '{"type":"DELETED","object":{"metadata":7}}',
    '{"type":7,"object":{}}',
    '{"type":"MODIFIED","object":{"metadata":{"uid":{}}}}',
  ])
    fake.last.text(1, `${nasty}\n`);
  fake.last.text(1, line('ADDED', pod('b', '2')));
  await settle();
  expect(names()).toEqual(['a', 'b']);
});

test('stopping cancels the watch', async () => {
  const { fake, live } = await start(list('1', pod('a', '1')));
  fake.last.accept();
  fake.last.head(1);
  live.stop();
  expect(fake.last.said.at(-1)).toEqual({ type: 'close', id: 1 });
});

test('query parameters join those that are there', () => {
  expect(withQuery('/a?x=1', { y: 'é &' })).toBe('/a?x=1&y=%C3%A9+%26');
  expect(withQuery('/a', {})).toBe('/a');
});
