// Bindings: references, formatters, predicates, links and requests, whatever
// the data says.
import { describe, expect, test } from 'vitest';
import { readQuantity } from '../format/quantity';
import { type Env, holds, look, readValue, textOf } from './env';
import { controlsOf, readFilter, writeControl } from './filter';
import { labels, plainText } from './format';
import { encode, fill, type Pages, targetOf } from './link';
import { filterRows, readColumns, readRows, sortRows } from './rows';
import { fills } from './shape';
import { sourcesIn } from './uses';

const data: Record<string, unknown> = {
  pods: {
    items: [{ name: 'a', 'with/slash': 1, 'til~de': 2 }],
    count: 3,
    empty: [],
    none: null,
    no: false,
    liar: { toString: 1, valueOf: 2 },
  },
};
const env: Env = {
  source: (name) => (Object.hasOwn(data, name) ? data[name] : undefined),
  filter: { text: 'x', on: true, off: false, many: ['a', 'b'], nothing: [] },
  context: { cluster: 'local', project: 'demo', name: 'web-0' },
  row: { name: 'row', deep: { er: [10, 20] }, evil: '../../../api/v1/users', dots: '..' },
};

describe('pointers', () => {
  test.each([
    ['/pods/items/0/name', 'a'],
    ['/pods/items/0/with~1slash', 1],
    ['/pods/items/0/til~0de', 2],
    ['/filter/text', 'x'],
    ['/context/cluster', 'local'],
    ['name', 'row'],
    ['deep/er/1', 20],
    ['/pods/items/1/name', undefined],
    ['/pods/items/-1', undefined],
    ['/pods/items/length', undefined],
    ['/pods/constructor', undefined],
    ['/pods/__proto__/polluted', undefined],
    ['/context/constructor', undefined],
    ['/filter/hasOwnProperty', undefined],
    ['/nobody/there', undefined],
    ['/', undefined],
    ['', env.row],
  ])('%s gives %j', (pointer, want) => expect(look(pointer, env)).toEqual(want));
});

describe('texts', () => {
  test('fill their messages from data, and leave what they do not know', () => {
    expect(
      textOf(
        { t: '{n} pods of {project}, {who}', args: { n: { $: '/pods/count' }, project: { $: '/context/project' } } },
        env,
      ),
    ).toBe('3 pods of demo, {who}');
    expect(textOf({ $: '/pods/none', else: 'none' }, env)).toBe('none');
    expect(textOf({ $: '/pods/count', as: 'bytes' }, env)).toBe('3\u2009B');
    expect(textOf({ t: '{constructor} {toString}', args: {} }, env)).toBe('{constructor} {toString}');
    for (const nasty of [null, undefined, [], {}, { t: 7 }, { $: 7 }, Symbol.iterator, () => 1])
      expect(textOf(nasty, env)).toBe('');
  });

  test('a message inside of a message ends', () => {
    const loop: { t: string; args: Record<string, unknown> } = { t: '{again}', args: {} };
    loop.args.again = loop;
    expect(() => textOf(loop, env)).not.toThrow();
  });
});

describe('formatters', () => {
  test.each([
    [0.42, 'percent', '42\u2009%'],
    [0.4567, 'percent', '45.7\u2009%'],
    [1048576, 'bytes', '1.0\u2009Mi'],
    ['64Mi', 'bytes', '64.0\u2009Mi'],
    ['250m', 'cpu', '250\u2009m'],
    ['1500m', 'cpu', '1.5\u2009cores'],
    [1, 'cpu', '1\u2009core'],
    [31204, 'number', '31,204'],
    [72, 'duration', '1\u2009min 12\u2009s'],
    ['2026-11-20T09:12:41Z', 'date', '2026-11-20 09:12:41 UTC'],
    [{ app: 'web', tier: 'front' }, 'labels', 'app=web, tier=front'],
    ['not a number', 'bytes', 'not a number'],
    [{ a: 1 }, undefined, '{"a":1}'],
    [null, 'age', ''],
    [Number.NaN, 'number', 'NaN'],
    [Number.POSITIVE_INFINITY, 'bytes', 'Infinity'],
    ['x', 'unheard of' as never, 'x'],
  ] as const)('%j as %s is %j', (value, format, want) => expect(plainText(value, format as never)).toBe(want));

  test('quantities are Kubernetes\u2019, nothing else', () => {
    expect(['1e3', '100m', '1Ki', '-5', '0.5Gi'].map(readQuantity)).toEqual([1000, 0.1, 1024, -5, 536870912]);
    for (const nasty of ['', 'Mi', '1 Mi', '1mb', '1e999', '--1', {}, [], null])
      expect(readQuantity(nasty)).toBeUndefined();
    expect(labels(['a', 1])).toEqual([
      ['a', ''],
      ['1', ''],
    ]);
  });

  test('a value that cannot be written is nothing, not a throw', () => {
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    expect(plainText(loop, 'json')).toBe('');
    expect(plainText('x'.repeat(1e6)).length).toBeLessThan(20_000);
  });
});

describe('predicates', () => {
  test.each([
    [{ eq: [{ $: '/pods/count' }, '3'] }, true],
    [{ eq: [{ $: '/pods/none' }, null] }, true],
    [{ eq: [{ $: '/pods/items' }, { $: '/pods/items' }] }, false],
    [{ in: [{ $: '/filter/text' }, 'a', 'x'] }, true],
    [{ in: [{ $: '/filter/text' }, 'a'] }, false],
    [{ exists: { $: '/filter/on' } }, true],
    [{ exists: { $: '/filter/off' } }, false],
    [{ exists: { $: '/filter/nothing' } }, false],
    [{ exists: { $: '/pods/empty' } }, false],
    [{ gt: [{ $: '/pods/count' }, 2] }, true],
    [{ gt: ['a', 2] }, false],
    [{ gt: [{ $: '/pods/liar' }, 2] }, false],
    [{ eq: [{ $: '/pods/liar' }, 'x'] }, false],
    [{ not: { exists: { $: '/pods/none' } } }, true],
    [{ all: [{ exists: { $: '/filter/on' } }, { eq: [1, 1] }] }, true],
    [{ any: [{ exists: { $: '/filter/off' } }, { eq: [1, 2] }] }, false],
    [{}, false],
    [{ not: 7 }, false],
    [{ all: 'x' }, false],
    [{ eq: [1] }, false],
    [{ surprise: [] }, false],
    [null, false],
    ['true', false],
  ])('%j is %s', (condition, want) => expect(holds(condition, env)).toBe(want));
});

const pages: Pages = { root: '/c/local/p/demo/e/logging', here: '/c/local/p/demo/e/logging/logs' };

describe('links', () => {
  test.each([
    ['/logs?pod={name}', '/c/local/p/demo/e/logging/logs?pod=row'],
    ['?pod={name}&a=1', '/c/local/p/demo/e/logging/logs?pod=row&a=1'],
    ['./{/context/name}', '/c/local/p/demo/e/logging/logs/web-0'],
    ['./{evil}', '/c/local/p/demo/e/logging/logs/..%2F..%2F..%2Fapi%2Fv1%2Fusers'],
  ])('%s leads to %s', (to, href) => expect(targetOf(to, false, env, pages)).toEqual({ href, external: false }));

  test.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil',
    './{dots}',
    './..',
    './../x',
    '/logs/../../api',
    '/logs/%2e%2e/x',
    './%2E%2E',
    './a//b',
    '/',
    './',
    '',
    '#x',
    '?a#b',
    '/logs?x={missing}',
    './{',
    './{}',
    './{name',
    ' ./a',
    './a b',
    './a\u202eb',
    './a\tb',
    './a"b',
    "./a'b",
    './<a>',
    'logs',
    '../x',
    'blob:x',
    'x'.repeat(2000),
    null,
    7,
    {},
    [],
  ])('%j leads nowhere', (to) => expect(targetOf(to, false, env, pages)).toBeUndefined());

  test('only https leads out, and only when it is said', () => {
    expect(targetOf('https://kubernetes.io/docs/', true, env, pages)).toEqual({
      href: 'https://kubernetes.io/docs/',
      external: true,
    });
    for (const to of [
      'http://x.example',
      'javascript:alert(1)',
      'https://',
      'https://u:p@x.example',
      'https://x.example/ y',
      '/logs',
      'HTTPS:x',
    ])
      expect(targetOf(to, true, env, pages)).toBeUndefined();
  });

  test('never leave the pages of the console, even from a strange place', () => {
    for (const root of ['/api/v1', '/x/y', '/clusters/c', '//evil', 'https://evil', '/\\\\evil'])
      for (const to of ['/logs', './a', '?a=1']) expect(targetOf(to, false, env, { root, here: root })).toBeUndefined();
  });

  test('a value is one segment, whatever it holds', () => {
    for (const value of ['a/b', 'a?b', 'a#b', 'a%2Fb', '😀', '\ud800', 'a b', "a'b", '\u0000', '日本']) {
      const text = fill('./{v}', { ...env, row: { v: value } });
      expect(text).toMatch(/^\.\/[A-Za-z0-9%_.!~*()-]+$/);
      expect(encode(value)).not.toMatch(/[/?#'\s]/);
    }
  });
});

describe('the filter in the address', () => {
  const controls = controlsOf({
    is: 'Stack',
    children: [
      {
        is: 'Filter',
        controls: [
          { id: 'since', kind: 'duration', label: 's', default: '30m' },
          { id: 'pod', kind: 'multi', label: 'p' },
          { id: 'all', kind: 'multi', label: 'p', default: ['a'] },
          { id: 'on', kind: 'toggle', label: 'o', default: true },
          { id: 'Bad Name', kind: 'text', label: 'b' },
          7,
          null,
        ],
      },
    ],
  });

  test('is read with defaults', () => {
    expect({ ...readFilter(controls, new URLSearchParams('')) }).toEqual({
      since: '30m',
      pod: [],
      all: ['a'],
      on: true,
    });
    expect({ ...readFilter(controls, new URLSearchParams('since=&pod=x&pod=y&pod=x&all=&on=false')) }).toEqual({
      since: '',
      pod: ['x', 'y'],
      all: [],
      on: false,
    });
  });

  test('is written so that it reads the same, with defaults left out', () => {
    for (const values of [
      { since: '', pod: ['x', 'y'], all: [], on: false },
      { since: '30m', pod: [], all: ['a'], on: true },
      { since: '5m', pod: ['&='], all: ['b', 'a'], on: true },
    ]) {
      const query = new URLSearchParams('other=1');
      for (const c of controls) writeControl(c, values[c.id as keyof typeof values], query);
      expect({ ...readFilter(controls, new URLSearchParams(query.toString())) }).toEqual(values);
      expect(query.get('other')).toBe('1');
    }
    const query = new URLSearchParams();
    for (const c of controls) writeControl(c, readFilter(controls, query)[c.id]!, query);
    expect(query.toString()).toBe('');
  });
});

describe('rows', () => {
  const columns = readColumns(
    [
      { id: 'name', header: 'Name', sort: 'text', filter: 'text', cell: { is: 'Text', text: { $: 'name' } } },
      { id: 'state', header: 'State', filter: 'set', cell: { is: 'Status', text: { $: 'state' } } },
      { id: 'size', header: 'Size', sort: 'number', cell: { is: 'Value', value: { $: 'size' }, format: 'bytes' } },
      { id: 'age', header: 'Age', sort: 'date', cell: { is: 'Value', value: { $: 'at' }, format: 'age' } },
    ],
    env,
  );
  const rows = readRows(
    [
      { name: 'b10', state: 'Running', size: '1Gi', at: '2026-11-01T00:00:00Z' },
      { name: 'b9', state: 'Failed', size: '1Mi', at: '2026-11-03T00:00:00Z' },
      { name: 'a', state: 'Running', size: null, at: '2026-11-02T00:00:00Z' },
      { state: 'Running' },
    ],
    'name',
  );
  const names = (by: string, descending = false) =>
    sortRows(
      rows,
      columns.find((c) => c.id === by),
      env,
      descending,
    ).map((r) => r.key);

  test('sort as people count, sizes as sizes, ages as ages; what has no value is last', () => {
    expect(names('name')).toEqual(['a', 'b9', 'b10', '#3']);
    expect(names('name', true)).toEqual(['b10', 'b9', 'a', '#3']);
    expect(names('size')).toEqual(['b9', 'b10', 'a', '#3']);
    expect(names('age')).toEqual(['b9', 'a', 'b10', '#3']);
  });

  test('are filtered by words and by chosen values', () => {
    expect(filterRows(rows, columns, env, { state: 'Running' }, '').map((r) => r.key)).toEqual(['b10', 'a', '#3']);
    expect(filterRows(rows, columns, env, {}, 'B 1').map((r) => r.key)).toEqual(['b10']);
  });

  test('have keys of their own, whatever the data says', () => {
    const keys = readRows([{ k: 1 }, { k: 1 }, null, 7, [], { k: {} }, { k: '#2' }], 'k').map((r) => r.key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const nasty of [null, undefined, 7, 'x', {}, { length: 3 }]) expect(readRows(nasty, 'k')).toEqual([]);
  });
});

test('a page is filled by its log or table unless something tall stands beside it', () => {
  const log = { is: 'Log' };
  expect(fills({ is: 'Stack', children: [{ is: 'Filter' }, log] })).toBe(true);
  expect(fills({ is: 'Tabs', tabs: [{ body: { is: 'Table' } }] })).toBe(true);
  expect(fills({ is: 'Stack', children: [{ is: 'Grid', children: [] }, log] })).toBe(false);
  expect(fills({ is: 'Card', children: [log] })).toBe(false);
});

test('a node reads the sources it names, its children read theirs', () => {
  expect(
    sourcesIn({
      is: 'Table',
      rows: { $: '/pods/items' },
      empty: { is: 'Text', text: { $: '/no/x' } },
      columns: [{ cell: { is: 'Link', to: './{/other/x}', text: { $: 'name' } } }],
    }),
  ).toEqual(['pods', 'other']);
  expect(sourcesIn({ is: 'Stack', children: [{ is: 'Text', text: { $: '/a/b' } }] })).toEqual([]);
  expect(sourcesIn({ $: '/filter/x' })).toEqual([]);
});

test('a reference to nothing is nothing', () => {
  expect(readValue({ $: '/pods/none' }, env)).toBeNull();
  expect(readValue({ $: '/pods/none', else: 'e' }, env)).toBe('e');
  expect(readValue({ a: 1 }, env)).toBeUndefined();
});
