// What a person sees of a fragment: every node, its states, its actions.
import { readdirSync, readFileSync } from 'node:fs';
import { act, cleanup, fireEvent, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '../api/problem';
import { show } from './testing';

// A page is drawn in milliseconds, but not on a machine that builds Kubernetes meanwhile.
vi.setConfig({ testTimeout: 30_000 });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const text = (of: unknown) => ({ is: 'Text', text: of });
const stack = (...children: unknown[]) => ({ ui: 'v1', body: { is: 'Stack', children } });
const rows = (...columns: unknown[]) => ({ is: 'Table', rows: { $: '/pods/items' }, key: 'name', columns });
const pods = { from: 'ext', path: '/pods' };
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

/** Every node that the catalogue's schema names. */
function catalogue(): string[] {
  const schema = JSON.parse(readFileSync('../sdk/fragment/schema.json', 'utf8'));
  return schema.$defs.Node.properties.is.enum;
}

test('no node of the catalogue is unknown here', async () => {
  for (const is of catalogue()) {
    const { container, unmount } = await show({ ui: 'v1', body: { is } });
    expect(container.textContent, is).not.toContain('needs a newer console');
    expect(container.textContent, is).not.toContain('cannot be shown');
    unmount();
  }
});

test('every example is drawn whole', async () => {
  const folder = '../sdk/fragment/examples';
  for (const name of readdirSync(folder)) {
    const { container, unmount } = await show(JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')));
    expect(container.textContent, name).not.toContain('cannot be shown');
    expect(container.querySelector('.fr-page')?.children.length, name).toBeGreaterThan(0);
    unmount();
  }
});

test('an unknown node is its fallback, or a quiet line that names it', async () => {
  const { container } = await show(
    stack({ is: 'Hologram', fallback: text('flat') }, { is: 'Chart', needs: 'Chart@1.1' }, 7, null, {
      is: 'constructor',
    }),
  );
  expect(container.textContent).toContain('flat');
  expect(container.textContent).toContain('Chart@1.1 needs a newer console.');
  expect(container.textContent).toContain('constructor needs a newer console.');
});

test('a node that fails is a card which names extension and place; its neighbours live', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  const trap = {
    is: 'Text',
    get text(): string {
      throw new Error('sprung');
    },
  };
  // The trap must survive the search for sources, which reads every property too.
  const { container } = await show(
    stack(
      text('before'),
      new Proxy(trap, {
        ownKeys: () => ['is'],
        getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
      }),
      text('after'),
    ),
  );
  expect(container.textContent).toContain('before');
  expect(container.textContent).toContain('after');
  expect(container.textContent).toContain('Part of Logging 1.2.3 cannot be shown');
  expect(container.textContent).toContain('/body/children/1');
  error.mockRestore();
});

describe('actions', () => {
  test('that are denied are locked and say what is missing', async () => {
    const { went } = await show({
      ...stack(text('x')),
      actions: [
        {
          id: 'a',
          label: 'Delete pod',
          denied: { missing: 'pods/delete in project demo' },
          run: { do: 'navigate', to: './x' },
        },
      ],
    });
    const button = screen.getByRole('button', { name: 'Delete pod' });
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(button.title).toBe('Missing: pods/delete in project demo');
    fireEvent.click(button);
    expect(went).toEqual([]);
  });

  test('that this console does not know are locked with a reason', async () => {
    await show({ ...stack(text('x')), actions: [{ id: 'a', label: 'Scale', run: { do: 'k8s', op: 'scale' } }] });
    expect(screen.getByRole('button', { name: 'Scale' }).title).toBe('This action needs a newer console');
  });

  test('go to pages, copy values and ask sources again', async () => {
    const written: string[] = [];
    vi.spyOn(navigator.clipboard, 'writeText').mockImplementation(async (t) => void written.push(t));
    let asked = 0;
    const { went } = await show(
      {
        ...stack(text({ $: '/pods/n' })),
        data: { pods },
        actions: [
          { id: 'a', label: 'Go', run: { do: 'navigate', to: './{/context/name}' } },
          { id: 'b', label: 'Copy', run: { do: 'copy', value: { $: '/pods/n' } } },
          { id: 'c', label: 'Again', run: { do: 'refresh', sources: ['pods'] } },
        ],
      },
      () => ({ n: ++asked }),
    );
    fireEvent.click(screen.getByRole('button', { name: 'Go' }));
    expect(went).toEqual(['/c/local/p/demo/e/logging/logs/web-0']);
    fireEvent.click(screen.getByRole('button', { name: 'Copy' }));
    expect(written).toEqual(['1']);
    fireEvent.click(screen.getByRole('button', { name: 'Again' }));
    await pass(0);
    expect(asked).toBe(2);
  });
});

describe('states of data', () => {
  test('a skeleton only after 120 ms', async () => {
    const { container } = await show({ ...stack(text({ $: '/pods/n' })), data: { pods } }, () => new Promise(() => {}));
    await pass(60);
    expect(container.querySelector('.skel')).toBeNull();
    await pass(100);
    expect(container.querySelector('.skel')).not.toBeNull();
  });

  test('a table that may not be read names the permission', async () => {
    const { container } = await show(
      { ui: 'v1', data: { pods }, body: rows({ id: 'a', header: 'A', cell: text({ $: 'name' }) }) },
      () => {
        throw new ApiError({
          title: 'No',
          status: 403,
          missing: { permission: 'logging/logs.view', scope: 'project demo' },
        });
      },
    );
    expect(container.textContent).toContain('logging/logs.view');
    expect(container.querySelector('table')).toBeNull();
  });

  test('a failed source that no table speaks for is named above, and can be retried', async () => {
    let broken = true;
    const { container } = await show({ ...stack(text({ $: '/pods/n' })), data: { pods } }, () => {
      if (broken) throw new ApiError({ title: 'Gone', status: 404 });
      return { n: 'here again' };
    });
    expect(container.textContent).toContain('Could not load pods');
    broken = false;
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await pass(0);
    expect(container.textContent).toContain('here again');
    expect(container.textContent).not.toContain('Could not load');
  });

  test('an empty table shows what the extension says about it', async () => {
    const { container } = await show(
      {
        ui: 'v1',
        data: { pods },
        body: {
          ...rows({ id: 'a', header: 'A', cell: text({ $: 'name' }) }),
          empty: { is: 'Empty', title: 'No pods in demo' },
        },
      },
      () => ({ items: [] }),
    );
    expect(container.textContent).toContain('No pods in demo');
  });
});

describe('the table', () => {
  const table = {
    ui: 'v1',
    data: { pods },
    body: {
      ...rows(
        { id: 'name', header: 'Name', sort: 'text', cell: { is: 'ResourceLink', gvr: 'v1/pods', name: { $: 'name' } } },
        {
          id: 'state',
          header: 'State',
          filter: 'set',
          cell: {
            is: 'Status',
            text: { $: 'state' },
            toneBy: { of: { $: 'state' }, map: { Failed: 'danger', Running: 'success' } },
          },
        },
      ),
      rowActions: [{ id: 'logs', label: 'Show logs', run: { do: 'navigate', to: '/logs?pod={name}' } }],
    },
  };
  const three = {
    items: [
      { name: 'b', state: 'Failed' },
      { name: 'a', state: 'Running' },
      { name: 'c', state: 'Odd' },
    ],
  };
  const names = (c: HTMLElement) =>
    [...c.querySelectorAll('tbody tr')].map((tr) => tr.querySelector('.name')?.textContent);

  test('sorts, filters, links and acts on rows', async () => {
    const { container, went } = await show(table, () => three);
    expect(names(container)).toEqual(['b', 'a', 'c']);
    fireEvent.click(screen.getByRole('button', { name: 'Name' }));
    expect(names(container)).toEqual(['a', 'b', 'c']);
    fireEvent.click(screen.getByRole('button', { name: 'Name' }));
    expect(names(container)).toEqual(['c', 'b', 'a']);
    fireEvent.change(screen.getByLabelText('State'), { target: { value: 'Failed' } });
    expect(names(container)).toEqual(['b']);
    expect(container.querySelector('.st')?.className).toContain('bad');
    const link = within(container).getByRole('link', { name: 'b' });
    expect(link.getAttribute('href')).toBe('/c/local/p/demo/pods/b');
    fireEvent.click(link);
    expect(went).toEqual(['/c/local/p/demo/pods/b']);
  });

  test('draws only what is seen of many rows', async () => {
    const { container } = await show(table, () => ({
      items: Array.from({ length: 5000 }, (_, i) => ({ name: `p${i}`, state: 'Running' })),
    }));
    expect(container.querySelectorAll('tbody tr').length).toBeLessThan(200);
    expect(container.textContent).toContain('5,000 rows');
  });
});

describe('filters and tabs', () => {
  const page = {
    ui: 'v1',
    data: { lines: { from: 'ext', path: '/lines', query: { text: { $: '/filter/text' }, on: { $: '/filter/on' } } } },
    body: {
      is: 'Tabs',
      tabs: [
        {
          id: 'one',
          label: 'One',
          body: {
            is: 'Stack',
            children: [
              {
                is: 'Filter',
                controls: [
                  { id: 'text', kind: 'text', label: 'Search' },
                  { id: 'on', kind: 'toggle', label: 'On' },
                  { id: 'more', kind: 'toggle', label: 'More', when: { exists: { $: '/filter/text' } } },
                ],
              },
              text({ $: '/lines/asked' }),
            ],
          },
        },
        { id: 'two', label: 'Two', body: text('second') },
      ],
    },
  };

  test('write the address and ask with it', async () => {
    const { container, search } = await show(page, (path) => ({ asked: path }));
    expect(screen.queryByRole('button', { name: 'More' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'On' }));
    fireEvent.change(screen.getByLabelText('Search'), { target: { value: 'a b' } });
    await pass(100);
    expect(search()).toBe('on=true');
    await pass(300);
    expect(search()).toBe('on=true&text=a+b');
    expect(container.textContent).toContain('/x/logging/lines?text=a+b&on=true');
    expect(screen.getByRole('button', { name: 'More' })).not.toBeNull();
  });

  test('the open tab is in the address, and only that one is drawn', async () => {
    const { container, search } = await show(page, () => ({}), 'view=two');
    expect(container.textContent).toContain('second');
    expect(screen.queryByLabelText('Search')).toBeNull();
    fireEvent.keyDown(screen.getByRole('tab', { name: 'Two' }), { key: 'ArrowRight' });
    expect(search()).toBe('');
    expect(screen.getByRole('tab', { name: 'One' }).getAttribute('aria-selected')).toBe('true');
  });
});

test('the log takes lines of its source and says that it is live', async () => {
  const { container, server } = await show({
    ui: 'v1',
    data: { lines: { from: 'ext', path: '/lines', live: { mode: 'append', cap: 100 } } },
    body: { is: 'Log', lines: { $: '/lines' }, highlight: 'world' },
  });
  await act(async () => {
    server.last.accept();
    server.last.head(1);
    server.last.text(
      1,
      '{"time":"2026-11-23T10:00:00Z","pod":"p","container":"c","line":"ERROR hello world"}\n{"kind":"notice","pod":"p","line":"restarted"}\n',
    );
  });
  await pass(300);
  expect(container.querySelector('.log .l.error mark')?.textContent).toBe('world');
  expect(container.querySelector('.log .cut')?.textContent).toContain('restarted');
  expect(container.querySelector('.live')?.textContent).toBe('live');
  await act(async () => server.last.end(1));
  expect(container.textContent).toContain('The log ended here.');
});

describe('the search of stored logs', () => {
  const logs = JSON.parse(readFileSync('../extensions/logging/testdata/fragments/logs.json', 'utf8'));
  const search = async (answer: () => unknown) => {
    const asked: string[] = [];
    const shown = await show(logs, (path) => {
      asked.push(path);
      return path.includes('/search') ? answer() : {};
    });
    expect(asked.filter((path) => path.includes('/search'))).toEqual([]); // until somebody looks
    await act(async () => fireEvent.click(screen.getByRole('tab', { name: 'stored' })));
    await pass(100);
    expect(asked.at(-1)).toContain('/x/logging/clusters/local/projects/demo/search?');
    return shown;
  };
  const problem = (status: number, detail: string) => () => {
    throw new ApiError({ title: 'No', status, detail });
  };

  test('says when nothing is bound to the store', async () => {
    const { container } = await search(problem(503, 'no administrator has bound the upstream "store"'));
    expect(container.textContent).toContain('no administrator has bound the upstream "store"');
    expect(screen.getByRole('button', { name: 'Retry' })).toBeTruthy();
  });
  test('says when a person may not', async () => {
    const { container } = await search(problem(403, 'This needs the permission logging/logs.view'));
    expect(container.textContent).toContain('This needs the permission logging/logs.view');
  });
  test('says when there is nothing, and when not all was looked at', async () => {
    const { container } = await search(() => ({ lines: [], total: 0, partial: true }));
    expect(container.textContent).toContain('empty.stored.body');
    expect(container.textContent).toContain('stored.partial');
  });
  test('shows lines that were all there at once, none of them as new', async () => {
    const lines = Array.from({ length: 200 }, (_, n) => ({
      time: '2026-01-31T14:00:00Z',
      pod: 'a',
      container: 'b',
      line: `line ${n}`,
    }));
    const { container } = await search(() => ({ lines, total: 200 }));
    expect(container.textContent).toContain('200 lines');
    expect(container.textContent).not.toContain('new line');
  });
});
