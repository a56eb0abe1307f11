// Hostile fragments and hostile data: whatever the JSON is, something is drawn,
// nothing is thrown, nothing runs and no link leads where it may not.
// FUZZ=20000 npx vitest run src/fragments/fuzz for longer.
import { readdirSync, readFileSync } from 'node:fs';
import { act, cleanup } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { ApiError } from '../api/problem';
import { show } from './testing';

const rounds = Number(process.env.FUZZ ?? 120);
const examples = readdirSync('../sdk/fragment/examples').map(
  (name) => JSON.parse(readFileSync(`../sdk/fragment/examples/${name}`, 'utf8')) as unknown,
);

class Random {
  constructor(private seed: number) {}
  below(n: number): number {
    this.seed = (Math.imul(this.seed ^ (this.seed >>> 15), 2246822519) + 3266489917) | 0;
    return ((this.seed >>> 3) & 0x0fffffff) % n;
  }
  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }
}

const evil: unknown[] = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  '[x](javascript:alert(1))',
  '<javascript:alert(1)>',
  '![x](https://evil.example/i.png)',
  '//evil.example',
  '/\\evil.example',
  'https://u:p@evil.example',
  'https://evil.example',
  '/api/v1/users',
  '/x/other/y',
  '../../..',
  './../../x',
  '/%2e%2e/x',
  './{name}',
  '__proto__',
  'constructor',
  'toString',
  '\ud800',
  '\u202egnp.exe',
  '\u0000',
  '\u001b[31m',
  'x'.repeat(50_000),
  '{',
  '{}',
  '{/pods}',
  '(a+)+$',
  '',
  null,
  true,
  false,
  0,
  -1,
  1e308,
  Number.NaN,
  [],
  {},
  [[]],
  [null],
  { $: '/pods/items' },
  { $: '' },
  { $: '/' },
  { $: '~2' },
  { t: '{x}', args: { x: { t: '{x}' } } },
  {
    is: 'Table',
    rows: { $: '/pods/items' },
    key: 'x',
    columns: [{ id: 'a', header: 'A', cell: { is: 'Link', text: { $: 'a' }, to: { $: 'a' } } }],
  },
  { is: 'Link', text: 'x', to: 'javascript:alert(1)', external: true },
  { is: 'Link', text: 'x', to: '?a={/pods/items/0/name}' },
  { is: 'Markdown', text: '[a](javascript:alert(1)) <script>x</script> [b](./{name}) ![c](x)' },
  { is: 'Log', lines: { $: '/pods/items' }, highlight: '(a+)+$', regex: true },
  { is: 'Stack' },
  { is: 'Filter', controls: [{ id: 'x', kind: 'multi', label: 'x', options: { $: '/pods/items' } }] },
  { eq: [{ $: '/a' }, null] },
  { toString: 1, valueOf: 2 },
];
const keys = [
  'is',
  'text',
  'to',
  'title',
  'children',
  'rows',
  'columns',
  'cell',
  'value',
  'when',
  'fallback',
  'label',
  'options',
  'tabs',
  'body',
  'action',
  'run',
  'do',
  '$',
  't',
  'args',
  'external',
  'live',
  'path',
  'style',
  'dangerouslySetInnerHTML',
  'ref',
  'key',
  '__proto__',
  'onClick',
  'href',
  'className',
  'is',
];
const kinds = [
  'Stack',
  'Row',
  'Grid',
  'Section',
  'Card',
  'Tabs',
  'Text',
  'Markdown',
  'Value',
  'Badge',
  'Status',
  'Link',
  'ResourceLink',
  'Facts',
  'Code',
  'Table',
  'Log',
  'Button',
  'Filter',
  'Alert',
  'Empty',
  'Frame',
  'script',
];

/** Changes one place of a value, or, deeper, several. */
function mutate(value: unknown, r: Random, depth = 0): unknown {
  if (depth > 40 || r.below(14) === 0) return r.of(evil);
  if (Array.isArray(value)) {
    const all = [...value];
    const i = r.below(all.length + 1);
    if (r.below(6) === 0) all.splice(i, 1);
    else if (r.below(5) === 0) all.splice(i, 0, r.of(evil));
    else if (all.length > 0) all[i % all.length] = mutate(all[i % all.length], r, depth + 1);
    return all;
  }
  if (typeof value === 'object' && value !== null) {
    const object: Record<string, unknown> = { ...value };
    const names = Object.keys(object);
    if (r.below(6) === 0)
      Object.defineProperty(object, r.of(keys), {
        value: r.of(evil),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    if (r.below(8) === 0) object.is = r.of(kinds);
    for (let n = 1 + r.below(2); n > 0 && names.length > 0; n--) {
      const name = r.of(names);
      object[name] = mutate(object[name], r, depth + 1);
    }
    return object;
  }
  return r.below(3) === 0 ? value : r.of(evil);
}

/** A fragment deep in itself, to see where drawing stops. */
function deep(levels: number): unknown {
  let node: unknown = { is: 'Text', text: 'bottom' };
  for (let i = 0; i < levels; i++) node = { is: i % 2 ? 'Stack' : 'Section', children: [node] };
  return { ui: 'v1', body: node };
}

function harmless(container: HTMLElement): void {
  expect(
    container.querySelector('script, iframe, object, embed, img, style, link, base, form, meta, video, audio'),
  ).toBeNull();
  for (const el of container.querySelectorAll('*'))
    for (const { name, value } of el.attributes) {
      if (/^on/i.test(name) || name === 'srcdoc' || name === 'formaction') throw new Error(`an attribute ${name}`);
      if (name === 'href' || name === 'src' || name === 'xlink:href') {
        const inside = /^\/(?!\/|\\|api\/|x\/|clusters\/|frames\/|assets\/)/.test(value);
        if (!inside && !value.startsWith('https://')) throw new Error(`${name} leads to ${value}`);
        if (value.startsWith('https://') && el.getAttribute('rel') !== 'noopener noreferrer')
          throw new Error(`${value} keeps its opener`);
      }
    }
}

afterEach(cleanup);

test(`${rounds} hostile fragments are drawn, harmlessly`, { timeout: 600_000 }, async () => {
  const complaints: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((...args) => void complaints.push(args.map(String).join(' ')));
  vi.stubGlobal('reportError', (e: unknown) => complaints.push(String(e)));
  const inner = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML')!;
  Object.defineProperty(Element.prototype, 'innerHTML', {
    ...inner,
    set() {
      complaints.push('innerHTML was set');
    },
  });
  try {
    for (let seed = 1; seed <= rounds; seed++) {
      const r = new Random(seed * 7919);
      let fragment: unknown = r.of(examples);
      for (let n = 1 + r.below(12); n > 0; n--) fragment = mutate(fragment, r);
      const data = mutate(
        {
          items: [{ name: 'a', uid: 'u', state: 'Running', createdAt: '2026-11-23T10:00:00Z' }, { name: 'b' }],
          names: ['a', 'b'],
          containers: ['c'],
          text: 'x',
          lines: ['l', { line: 'm' }],
        },
        r,
      );
      const shown = await show(
        fragment,
        () => {
          if (r.below(6) === 0) throw new ApiError({ title: 'Down', status: 403, detail: '<b>x</b>' });
          return data;
        },
        r.of(['', 'text=(a%2B)%2B%24&regex=true', 'pod=javascript:alert(1)&view=pods', '__proto__=x&constructor=y']),
      );
      await act(async () => {
        if (shown.server.sockets.length === 0) return;
        shown.server.last.accept();
        for (const { id } of shown.server.last.opens()) {
          shown.server.last.head(id);
          for (let n = 0; n < 5; n++)
            shown.server.last.text(
              id,
              `${JSON.stringify(mutate({ time: '2026-11-23T10:00:00Z', pod: 'p', container: 'c', line: 'x', kind: 'notice' }, r))}\n`,
            );
        }
      });
      try {
        harmless(shown.container);
        expect(shown.container.textContent).not.toContain('drawing failed');
        const real = complaints.filter((c) => !/not wrapped in act|unrecognized in this browser/.test(c));
        if (real.length > 0) throw new Error(real[0]!.slice(0, 600));
      } catch (e) {
        throw new Error(
          `seed ${seed}: ${e instanceof Error ? e.message : e}\n${JSON.stringify(fragment)?.slice(0, 4000)}`,
        );
      }
      shown.unmount();
    }
  } finally {
    Object.defineProperty(Element.prototype, 'innerHTML', inner);
    vi.unstubAllGlobals();
  }
});

test('what is no fragment at all is drawn as nothing', async () => {
  for (const nothing of [
    undefined,
    null,
    7,
    'x',
    [],
    {},
    { body: null },
    { body: [] },
    { ui: 'v1', body: {} },
    { data: 7, body: { is: 'Text', text: 'x' } },
  ]) {
    const { container, unmount } = await show(nothing);
    harmless(container);
    unmount();
  }
});

test('a fragment without a bottom ends', async () => {
  for (const levels of [20, 200, 2000]) {
    const { container, unmount } = await show(deep(levels));
    expect(container.textContent).toContain(levels === 20 ? 'bottom' : 'too deeply');
    unmount();
  }
});

test('no source file sets HTML', () => {
  const visit = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((e) =>
      e.isDirectory() ? visit(`${folder}/${e.name}`) : [`${folder}/${e.name}`],
    );
  const files = ['src/fragments', 'src/logview', 'src/stream']
    .flatMap(visit)
    .filter((f) => /\.tsx?$/.test(f) && !/\.test\.tsx?$/.test(f));
  expect(files.length).toBeGreaterThan(30);
  for (const file of files) {
    const source = readFileSync(file, 'utf8');
    expect(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|eval\(|new Function/.exec(
        source,
      )?.[0],
      file,
    ).toBeUndefined();
  }
});
