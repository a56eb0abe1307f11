// Data sources at work: what is asked, when, and what is known meanwhile.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '../api/problem';
import { LogBuffer } from '../logview';
import { StreamClient } from '../stream';
import { FakeServer } from '../stream/fakes';
import type { Env } from './env';
import { requestOf } from './request';
import { SourceSet } from './source-set';

const context = { cluster: 'local', project: 'demo', workspace: 'reef' };
const env: Env = { source: () => undefined, filter: {}, context };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('what is asked', () => {
  test.each([
    [
      { from: 'ext', path: '/clusters/{cluster}/projects/{project}/pods' },
      '/x/logging/clusters/local/projects/demo/pods',
    ],
    [
      {
        from: 'ext',
        path: '/a',
        query: { a: '', b: null, c: false, d: [], e: true, f: 0, g: ['x', '', 'y'], h: '&=' },
      },
      '/x/logging/a?e=true&f=0&g=x&g=y&h=%26%3D',
    ],
    [{ from: 'k8s', gvr: 'v1/pods' }, '/x/logging/-/kubernetes/clusters/local/api/v1/namespaces/demo/pods'],
    [
      { from: 'k8s', gvr: 'apps/v1/deployments', name: 'web', namespace: 'other' },
      '/x/logging/-/kubernetes/clusters/local/apis/apps/v1/namespaces/other/deployments/web',
    ],
    [
      { from: 'k8s', gvr: 'v1/pods', selector: 'a=b' },
      '/x/logging/-/kubernetes/clusters/local/api/v1/namespaces/demo/pods?labelSelector=a%3Db',
    ],
  ])('%j asks %s', (source, path) => expect(requestOf(source, 'logging', env)).toMatchObject({ path }));

  test.each([
    { from: 'ext', path: '/../../api/v1/users' },
    { from: 'ext', path: '/a/../b' },
    { from: 'ext', path: '/%2e%2e/b' },
    { from: 'ext', path: '//evil.example' },
    { from: 'ext', path: 'https://evil.example' },
    { from: 'ext', path: '/-/kubernetes/clusters/local/api/v1/secrets' },
    { from: 'ext', path: '/a\\b' },
    { from: 'ext', path: '/a?b=c' },
    { from: 'ext', path: '/a', live: { mode: 'watch', key: 'x' } },
    { from: 'k8s', gvr: '../../v1/pods' },
    { from: 'k8s', gvr: 'v1/pods/log' },
    { from: 'k8s', gvr: 'v1/pods', live: { mode: 'append', cap: 100 } },
    { from: 'metrics' },
    null,
    [],
    'x',
  ])('%j is refused', (source) => expect(requestOf(source, 'logging', env)).toHaveProperty('broken'));

  test('a value climbs nowhere', () => {
    for (const project of ['..', '../..', 'a/b', '.', '%2e%2e']) {
      const wanted = requestOf({ from: 'ext', path: '/p/{project}/x' }, 'logging', { ...env, context: { project } });
      if ('path' in wanted)
        expect(new URL(wanted.path, 'http://h').pathname).toBe(`/x/logging/p/${encodeURIComponent(project)}/x`);
      else expect(wanted).toHaveProperty('broken');
    }
    expect(requestOf({ from: 'k8s', gvr: 'v1/pods', name: '../secrets/x' }, 'logging', env)).toEqual({ waits: true });
  });
});

function start(data: unknown, answers: (unknown | Error)[] = []) {
  const fake = new FakeServer();
  const client = new StreamClient({ connect: fake.connect, backoff: { first: 100, random: () => 1 } });
  const asked: string[] = [];
  const ask = async (path: string) => {
    asked.push(path);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const set = new SourceSet('logging', data, { client, ask }, { filter: {}, context });
  return { fake, set, asked };
}
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe('a source', () => {
  test('asks nothing until something shown uses it, and rests when nothing does', async () => {
    const { set, asked } = start({ a: { from: 'ext', path: '/a', live: { mode: 'poll', seconds: 5 } } }, [{ n: 1 }]);
    await settle(60_000);
    expect(asked).toEqual([]);
    const release = set.use(['a']);
    expect(set.state('a').phase).toBe('loading');
    await settle();
    expect(set.state('a')).toMatchObject({ phase: 'ready', value: { n: 1 } });
    await settle(10_000);
    expect(asked).toHaveLength(3);
    release();
    await settle(60_000);
    expect(asked.length).toBeLessThanOrEqual(5);
    const before = asked.length;
    await settle(60_000);
    expect(asked).toHaveLength(before);
  });

  test('keeps its value while a later question fails, and says why', async () => {
    const { set } = start({ a: { from: 'ext', path: '/a', live: { mode: 'poll', seconds: 5 } } }, [
      { n: 1 },
      new ApiError({ title: 'Down', status: 503 }),
      { n: 2 },
    ]);
    set.use(['a']);
    await settle();
    await settle(5000);
    expect(set.state('a')).toMatchObject({ phase: 'ready', value: { n: 1 }, problem: { title: 'Down' } });
    expect(set.state('a').nextTry).toBeGreaterThan(Date.now());
    await settle(10_000);
    expect(set.state('a')).toMatchObject({ phase: 'ready', value: { n: 2 } });
    expect(set.state('a').problem).toBeUndefined();
  });

  test('waits as long as the answer says', async () => {
    const { set, asked } = start({ a: { from: 'ext', path: '/a' } }, [
      new ApiError({ title: 'It rests', status: 503, class: 'breaker', retryAfter: 20 }),
      { n: 1 },
    ]);
    set.use(['a']);
    await settle();
    expect(set.state('a')).toMatchObject({ phase: 'failed', nextTry: Date.now() + 20_000 });
    await settle(19_999);
    expect(asked).toHaveLength(1);
    await settle(1);
    expect(set.state('a').value).toEqual({ n: 1 });
  });

  test('a denial is final until it is asked again', async () => {
    const { set, asked } = start({ a: { from: 'ext', path: '/a' } }, [
      new ApiError({ title: 'No', status: 403 }),
      { n: 1 },
    ]);
    set.use(['a']);
    await settle(60_000);
    expect(asked).toHaveLength(1);
    expect(set.state('a').phase).toBe('failed');
    set.refresh(['a', 'nobody']);
    await settle();
    expect(set.state('a').value).toEqual({ n: 1 });
  });

  test('asks anew when the filter changes what it asks, and only then', async () => {
    const { set, asked } = start({ a: { from: 'ext', path: '/a', query: { q: { $: '/filter/q' } } } }, [{ n: 1 }]);
    set.use(['a']);
    await settle();
    set.setAround({ filter: { q: 'x' }, context });
    set.setAround({ filter: { q: 'x', other: 'y' }, context });
    await settle();
    expect(asked).toEqual(['/x/logging/a', '/x/logging/a?q=x']);
  });

  test('waits for what another source has to say', async () => {
    const { set, asked } = start(
      { a: { from: 'ext', path: '/a' }, b: { from: 'k8s', gvr: 'v1/pods', name: { $: '/a/name' } } },
      [{ name: 'web-0' }],
    );
    set.use(['a', 'b']);
    expect(set.state('b').phase).toBe('waiting');
    await settle();
    expect(asked[1]).toBe('/x/logging/-/kubernetes/clusters/local/api/v1/namespaces/demo/pods/web-0');
  });

  test('a paused tab asks nothing and asks at once when it is seen', async () => {
    const { set, asked } = start({ a: { from: 'ext', path: '/a', live: { mode: 'poll', seconds: 5 } } }, [{ n: 1 }]);
    set.use(['a']);
    await settle();
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    await settle(60_000);
    expect(asked).toHaveLength(1);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event('visibilitychange'));
    await settle();
    expect(asked).toHaveLength(2);
    set.dispose();
  });
});

describe('an appended source', () => {
  const data = { lines: { from: 'ext', path: '/lines', query: { follow: true }, live: { mode: 'append', cap: 100 } } };
  const line = (i: number, pod = 'p', text = `line ${i}`) => ({
    time: `2026-11-23T10:00:${String(i).padStart(2, '0')}.${i % 2 ? '5' : '25'}Z`,
    pod,
    container: 'c',
    line: text,
  });
  const send = (fake: FakeServer, id: number, ...lines: unknown[]) =>
    fake.last.text(id, lines.map((l) => `${typeof l === 'string' ? l : JSON.stringify(l)}\n`).join(''));
  const texts = (set: SourceSet) => [...(set.value('lines') as LogBuffer)].map((l) => l.text);

  test('becomes lines of a bounded buffer, whatever the lines are', () => {
    const { fake, set } = start(data);
    set.use(['lines']);
    fake.last.accept();
    fake.last.head(1);
    send(fake, 1, line(1), 'no json', '[1]', '7', 'null', '{}');
    expect(set.value('lines')).toBeInstanceOf(LogBuffer);
    expect(texts(set)).toEqual(['line 1', 'no json', '[1]', '7', '', '']);
    expect(set.state('lines')).toMatchObject({ phase: 'ready', live: 'live' });
    fake.last.end(1);
    expect(set.state('lines').live).toBe('ended');
  });

  test('shows no line twice and loses none after an interruption', async () => {
    const { fake, set } = start(data);
    set.use(['lines']);
    fake.last.accept();
    fake.last.head(1);
    send(fake, 1, line(1), line(2, 'q'), line(3), line(3, 'p', 'same time'));
    fake.last.breakOff();
    expect(set.state('lines').live).toBe('reconnecting');
    await settle(100);
    fake.last.accept();
    fake.last.head(2);
    send(
      fake,
      2,
      line(1),
      line(2, 'q'),
      line(3),
      line(3, 'p', 'same time'),
      line(3, 'p', 'new at that time'),
      line(4, 'q'),
      line(5),
      line(1, 'late pod'),
    );
    expect(texts(set)).toEqual([
      'line 1',
      'line 2',
      'line 3',
      'same time',
      'new at that time',
      'line 4',
      'line 5',
      'line 1',
    ]);
  });

  test('an error is one with its reason, and the lines stay', () => {
    const { fake, set } = start(data);
    set.use(['lines']);
    fake.last.accept();
    fake.last.head(1);
    send(fake, 1, line(1));
    fake.last.end(1, { title: 'Gone', status: 404 });
    expect(set.state('lines')).toMatchObject({ phase: 'ready', live: 'failed', problem: { title: 'Gone' } });
    expect(texts(set)).toEqual(['line 1']);
  });

  test('another filter is another log', () => {
    const { fake, set } = start({ lines: { ...data.lines, query: { q: { $: '/filter/q' } } } });
    set.use(['lines']);
    fake.last.accept();
    fake.last.head(1);
    send(fake, 1, line(1));
    const first = set.value('lines');
    set.setAround({ filter: { q: 'x' }, context });
    expect(fake.last.said).toContainEqual({ type: 'close', id: 1 });
    expect(set.value('lines')).not.toBe(first);
  });
});
