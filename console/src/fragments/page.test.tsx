// Pages and tabs of extensions in the console: what is asked of the core, and
// what a person sees when the answer is bad.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { type ReactNode, useSyncExternalStore } from 'react';
import { afterEach, expect, test, vi } from 'vitest';
import { FragmentPage, FragmentTab } from './index';

// A page is drawn in milliseconds, but not on a machine that builds Kubernetes meanwhile.
vi.setConfig({ testTimeout: 30_000 });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const scope = { cluster: 'local', project: 'demo' };
const page = (digest: string) => (
  <FragmentPage
    extension="logging"
    title="Logging"
    version="0.1.0"
    digest={digest}
    fragment="logs/all"
    scope={scope}
    route="/logs"
    label="Logs"
  />
);

/** Waits until a person would see some words. */
const seen = (container: HTMLElement, text: string) =>
  waitFor(() => expect(container.textContent).toContain(text), { timeout: 10_000 });

/** What the page shows, changed from outside. */
const slot = {
  shown: undefined as ReactNode,
  tell: () => {},
  put(next: ReactNode) {
    slot.shown = next;
    slot.tell();
  },
};

function Slot() {
  return useSyncExternalStore(
    (tell) => {
      slot.tell = tell;
      return () => {};
    },
    () => slot.shown,
  );
}

/** Puts something on a page of the console; the core answers one after the other, the last one for ever. */
async function visit(address: string, of: ReactNode, ...answers: (() => Response)[]) {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    asked.push(pathname + search);
    return (answers.length > 1 ? answers.shift() : answers[0])!();
  });
  slot.put(of);
  const root = createRootRoute({ component: Slot });
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: [address] }) });
  const queries = new QueryClient();
  const view = (
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
  const { container } = render(view);
  return {
    container,
    asked,
    router,
    change: (next: ReactNode) => act(async () => slot.put(next)),
  };
}

const json =
  (value: unknown, status = 200) =>
  () =>
    new Response(JSON.stringify(value), { status });
const words = (text: string) => json({ ui: 'v1', title: 'All logs', body: { is: 'Text', text } });

test('a page asks with its scope and has its own head with the islets of its origin', async () => {
  const { container, asked } = await visit('/c/local/p/demo/e/logging/logs', page('a'), words('hello'));
  await seen(container, 'hello');
  expect(asked).toEqual(['/x/logging/-/fragments/logs/all?cluster=local&project=demo']);
  expect(container.querySelector('h1')?.textContent).toBe('All logs');
  expect(container.querySelector('.origin')?.getAttribute('aria-label')).toBe('from Logging');
  await seen(container, 'Logging 0.1.0');
  await seen(container, 'hello');
});

test('a new digest of the extension is asked anew, the old page stays until then', async () => {
  const { container, asked, change } = await visit(
    '/c/local/p/demo/e/logging/logs',
    page('a'),
    words('old'),
    words('new'),
  );
  await seen(container, 'old');
  await change(page('b'));
  await seen(container, 'new');
  expect(asked).toHaveLength(2);
});

test('a tab says which object it is about, and its links keep the tab', async () => {
  const object = { gvr: 'apps/v1/deployments', namespace: 'demo', name: 'web', uid: 'u1' };
  const { container, asked } = await visit(
    '/c/local/p/demo/deployments/web?tab=logging.deployment&text=x',
    <FragmentTab extension="logging" fragment="object" scope={scope} object={object} />,
    json({ ui: 'v1', body: { is: 'Link', text: 'more', to: '?text=y' } }),
  );
  await seen(container, 'more');
  expect(asked[0]).toBe(
    '/x/logging/-/fragments/object?cluster=local&project=demo&gvr=apps%2Fv1%2Fdeployments&namespace=demo&name=web&uid=u1',
  );
  expect(container.querySelector('a')?.getAttribute('href')).toBe(
    '/c/local/p/demo/deployments/web?tab=logging.deployment&text=y',
  );
});

test('a fragment that broke a rule is a card with extension, rule and pointer', async () => {
  const violations = [{ rule: 'link', pointer: '/body/children/2/to', message: 'a link is ?query, ./below or /page' }];
  const broken = json(
    {
      title: 'The extension\u2019s fragment breaks the rules',
      status: 502,
      detail: 'x',
      extension: 'logging',
      version: '0.2.0',
      instance: 'r1',
      violations,
    },
    502,
  );
  const { container } = await visit('/c/local/p/demo/e/logging/logs', page('a'), broken, words('mended'));
  await seen(container, 'Part of Logging 0.2.0 cannot be shown');
  expect(container.querySelector('h1')?.textContent).toBe('Logs');
  await seen(container, 'link: a link is ?query, ./below or /page');
  await seen(container, '/body/children/2/to');
  await act(async () => void fireEvent.click(screen.getByRole('button', { name: 'Retry' })));
  await seen(container, 'mended');
});

test('a denial names the permission', async () => {
  const { container } = await visit(
    '/c/local/p/demo/e/logging/logs',
    page('a'),
    json({ title: 'No', status: 403, missing: { permission: 'logging/logs.view', scope: 'project demo' } }, 403),
  );
  await seen(container, 'logging/logs.view');
});

test('an extension that failed too often is said to rest, and asked again by itself', async () => {
  const { container, asked } = await visit(
    '/c/local/p/demo/e/logging/logs',
    page('a'),
    json({ title: 'No', status: 503, class: 'breaker', cause: 'memory', retryAfter: 1, instance: 'r1' }, 503),
    words('mended'),
  );
  await seen(container, 'Could not load Logging');
  await seen(container, 'failed here again and again (it wanted too much memory)');
  expect(container.textContent).toContain('again by itself in');
  await seen(container, 'mended');
  expect(asked).toHaveLength(2);
});

test('filters are in the address of the page, without an entry of the history for each', async () => {
  const fragment = json({ ui: 'v1', body: { is: 'Filter', controls: [{ id: 'on', kind: 'toggle', label: 'On' }] } });
  const { container, router } = await visit('/c/local/p/demo/e/logging/logs?other=1', page('a'), fragment);
  await seen(container, 'On');
  const before = router.history.length;
  await act(async () => void fireEvent.click(screen.getByRole('button', { name: 'On' })));
  expect(router.history.location.href).toBe('/c/local/p/demo/e/logging/logs?other=1&on=true');
  expect(router.history.length).toBe(before);
});
