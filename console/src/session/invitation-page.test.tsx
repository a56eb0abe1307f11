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
import { InvitationPage } from './invitation-page';
import { restore } from './session';

const token = 'atoll_invitation_abc_def';
const invitation = {
  id: 'abc',
  workspace: 'red',
  role: 'workspace-member',
  roleName: 'workspace-member',
  invitedBy: 'petra',
  note: 'For Ann Lee',
  createdAt: '2026-11-30T10:00:00Z',
  expiresAt: '2026-12-07T10:00:00Z',
};
const session = (name: string, provider = '') => ({ user: { name, provider }, csrfToken: 'csrf', expiresAt: '' });

type Answer = [status: number, body: object];

/** The page of an invitation; `answers` by the last part of the path, and who is signed in. */
async function open(answers: Record<string, Answer>, user?: string, hash = token) {
  const sent: { path: string; body: unknown }[] = [];
  window.location.hash = hash;
  const all: Record<string, Answer> = {
    current: user ? [200, session(user)] : [401, { title: 'Unauthorized', status: 401 }],
    'invitations:read': [200, invitation],
    providers: [
      200,
      {
        items: [
          { name: 'corp', title: 'Corporate directory', kind: 'ldap' },
          { name: 'sso', title: 'Single sign-on', kind: 'oidc', startPath: '/auth/oidc/sso/start' },
        ],
      },
    ],
    info: [200, {}],
    ...answers,
  };
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const request = input as Request;
    const path = new URL(request.url).pathname;
    if (request.method !== 'GET') sent.push({ path, body: await request.clone().json() });
    const [status, body] = all[path.slice(path.lastIndexOf('/') + 1)] ?? [500, { title: path, status: 500 }];
    return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
  });
  await restore();
  const root = createRootRoute({ component: Outlet });
  const page = createRoute({ getParentRoute: () => root, path: '/invitation', component: InvitationPage });
  const there = createRoute({ getParentRoute: () => root, path: '/w/$workspace', component: () => <p>arrived</p> });
  const router = createRouter({
    routeTree: root.addChildren([page, there]),
    history: createMemoryHistory({ initialEntries: ['/invitation'] }),
  });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  await screen.findByRole('main');
  return { made: () => sent.filter((one) => !one.path.endsWith(':read')) };
}

const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

afterEach(() => {
  cleanup();
  window.location.hash = '';
});

describe('an invitation', () => {
  it('is accepted by who is signed in', async () => {
    const { made } = await open({ 'invitations:accept': [200, invitation] }, 'jane');
    const button = await screen.findByRole('button', { name: 'Accept as jane' });
    for (const fact of ['workspace red', 'member', 'petra', 'For Ann Lee'])
      expect(screen.getByRole('main').textContent).toContain(fact);
    fireEvent.click(button);
    await screen.findByText('arrived');
    expect(made()).toEqual([{ path: '/api/v1/invitations:accept', body: { token } }]);
  });
  it('is accepted with a new account, which is signed in', async () => {
    const { made } = await open({ 'invitations:register': [201, {}], sessions: [201, session('ann')] });
    await screen.findByRole('button', { name: 'Accept with a new account' });
    type('User name', 'ann ');
    type('Password', 'a long password');
    fireEvent.click(screen.getByRole('button', { name: 'Accept with a new account' }));
    await screen.findByText('arrived');
    expect(made()).toEqual([
      { path: '/api/v1/invitations:register', body: { token, username: 'ann', password: 'a long password' } },
      { path: '/api/v1/sessions', body: { username: 'ann', password: 'a long password' } },
    ]);
  });
  it('goes with a sign-in at a provider', async () => {
    const { made } = await open({ sessions: [201, session('ann', 'corp')] });
    const link = await screen.findByRole('link', { name: 'Sign in with Single sign-on' });
    expect(link.getAttribute('href')).toBe(`/auth/oidc/sso/start?next=%2F&invitation=${token}`);
    fireEvent.click(screen.getByRole('button', { name: 'Sign in with an account you have' }));
    type('Account', 'corp');
    type('User name', 'ann');
    type('Password', 'a long password');
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await screen.findByText('arrived');
    expect(made()).toEqual([
      {
        path: '/api/v1/sessions',
        body: { username: 'ann', password: 'a long password', provider: 'corp', invitation: token },
      },
    ]);
  });
  it('is accepted after signing in with an account of Atoll, and not before', async () => {
    const { made } = await open({ sessions: [201, session('ann')] });
    fireEvent.click(await screen.findByRole('button', { name: 'Sign in with an account you have' }));
    type('User name', 'ann');
    type('Password', 'a long password');
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await screen.findByRole('button', { name: 'Accept as ann' });
    expect(made()).toEqual([{ path: '/api/v1/sessions', body: { username: 'ann', password: 'a long password' } }]);
  });
  it('says why it was refused', async () => {
    const detail = 'The invitation is not good any more: who has sent it is gone. Ask for another one.';
    await open({ 'invitations:accept': [403, { title: 'Forbidden', status: 403, detail }] }, 'jane');
    fireEvent.click(await screen.findByRole('button', { name: 'Accept as jane' }));
    expect((await screen.findByRole('alert')).textContent).toContain(detail);
    expect(screen.queryByText('arrived')).toBeNull();
  });
  it.each([
    ['that is none', { 'invitations:read': [404, { title: 'Not Found', status: 404 }] as Answer }, token],
    ['without a token', {}, ''],
  ])('%s is told so', async (_, answers, hash) => {
    const { made } = await open(answers, undefined, hash);
    await screen.findByRole('heading', { name: 'This is no invitation, or it is not good any more' });
    await waitFor(() => expect(screen.queryByRole('button')).toBeNull());
    expect(made()).toEqual([]);
  });
});
