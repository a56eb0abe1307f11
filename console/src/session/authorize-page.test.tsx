import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from '@tanstack/react-router';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AuthorizePage } from './authorize-page';
import { restore } from './session';

const asked = {
  name: 'atoll login on laptop',
  redirectURI: 'http://127.0.0.1:43211/',
  state: 'jfkr0u1UuKiXEAtVxSnIJQ',
  codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  expiresIn: '2h',
};

const answer = (status: number, body: object) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });

/** The page at an address, for jane; what the core answers to her decision. */
async function open(query: Record<string, string>, decided?: Response) {
  const sent: Request[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const request = input as Request;
    if (request.url.endsWith('/sessions/current'))
      return answer(200, { user: { name: 'jane' }, csrfToken: 'csrf', expiresAt: '' });
    if (request.method === 'GET') return answer(200, {});
    sent.push(request.clone());
    return decided ?? answer(500, { title: 'not expected', status: 500 });
  });
  const gone = vi.spyOn(window.location, 'replace').mockImplementation(() => undefined);
  await restore();
  const root = createRootRoute({ component: Outlet });
  const page = createRoute({ getParentRoute: () => root, path: '/authorize', component: AuthorizePage });
  const router = createRouter({
    routeTree: root.addChildren([page]),
    history: createMemoryHistory({ initialEntries: [`/authorize?${new URLSearchParams(query)}`] }),
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => `?${new URLSearchParams(search as Record<string, string>)}`,
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  await screen.findByRole('main');
  return { sent, gone };
}

afterEach(cleanup);

describe('a program that asks for a token', () => {
  it('is shown with what it asks for, and gets its code when the person confirms', async () => {
    const to = 'http://127.0.0.1:43211/?code=c&state=s';
    const { sent, gone } = await open(asked, answer(200, { redirectURL: to }));
    const facts = screen.getByRole('main').textContent;
    for (const fact of ['jane', 'atoll login on laptop', 'do everything that you may do', '127.0.0.1:43211'])
      expect(facts).toContain(fact);
    expect(sent).toEqual([]);
    fireEvent.click(screen.getByRole('button', { name: 'Confirm' }));
    await waitFor(() => expect(gone).toHaveBeenCalledWith(to));
    expect(sent).toHaveLength(1);
    expect(new URL(sent[0]!.url).pathname).toBe('/api/v1/tokens:authorize');
    expect(sent[0]!.headers.get('X-Atoll-CSRF')).toBe('csrf');
    expect(await sent[0]!.json()).toEqual({ ...asked, readOnly: false });
  });
  it('is told when the person declines', async () => {
    const to = 'http://127.0.0.1:43211/?error=access_denied&state=s';
    const { sent, gone } = await open({ ...asked, readOnly: 'true' }, answer(200, { redirectURL: to }));
    expect(screen.getByRole('main').textContent).toContain('read what you may read');
    fireEvent.click(screen.getByRole('button', { name: 'Decline' }));
    await waitFor(() => expect(gone).toHaveBeenCalledWith(to));
    expect(new URL(sent[0]!.url).pathname).toBe('/api/v1/tokens:decline');
    expect(await sent[0]!.json()).toEqual({ redirectURI: asked.redirectURI, state: asked.state });
  });
  it('gets nothing when the core refuses, and the person learns why', async () => {
    const { gone } = await open(
      asked,
      answer(422, { title: 'Unprocessable Entity', status: 422, detail: 'The lifetime is too long.' }),
    );
    fireEvent.click(screen.getByRole('button', { name: 'Confirm' }));
    expect((await screen.findByRole('alert')).textContent).toContain('The lifetime is too long.');
    expect(gone).not.toHaveBeenCalled();
  });
  it.each([
    ['another place', { redirectURI: 'http://evil.example/' }],
    ['a name before it', { redirectURI: 'http://127.0.0.1:80@evil.example/' }],
    ['a script', { redirectURI: 'javascript:alert(1)//http://127.0.0.1:80/' }],
    ['no state', { state: '' }],
    ['no challenge', { codeChallenge: '' }],
    ['no name', { name: '' }],
    ['a lifetime that is none', { expiresIn: 'long' }],
  ])('is not shown with %s', async (_, change) => {
    const { sent } = await open({ ...asked, ...change });
    expect(screen.getByRole('heading', { name: 'This address is not whole' })).toBeTruthy();
    expect(screen.queryByRole('button')).toBeNull();
    expect(sent).toEqual([]);
  });
});
