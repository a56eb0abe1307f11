import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Provider } from '../api/types';
import { directoriesOf, ProviderLinks } from './providers';
import { PasswordForm, SignInForm } from './sign-in-form';

const answer = (status: number, body: object) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
const fetched = () => vi.spyOn(globalThis, 'fetch');

afterEach(cleanup);

describe('signing in', () => {
  it('says why it was refused, empties the password and keeps the name', async () => {
    fetched().mockResolvedValue(
      answer(401, { title: 'Unauthorized', status: 401, detail: 'User name or password is wrong.' }),
    );
    const done = vi.fn();
    render(<SignInForm onDone={done} />);
    fireEvent.change(screen.getByLabelText('User name'), { target: { value: 'jane' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'wrong' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    expect((await screen.findByRole('alert')).textContent).toContain('User name or password is wrong.');
    expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('');
    expect(screen.getByLabelText<HTMLInputElement>('User name').value).toBe('jane');
    expect(done).not.toHaveBeenCalled();
  });
  it('sends name and password once and hands the password on', async () => {
    const fetch = fetched().mockResolvedValue(answer(201, { user: { name: 'jane' }, csrfToken: 'c', expiresAt: '' }));
    const done = vi.fn();
    render(<SignInForm onDone={done} />);
    fireEvent.change(screen.getByLabelText('User name'), { target: { value: ' jane ' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'a long password' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await waitFor(() => expect(done).toHaveBeenCalledWith('a long password'));
    expect(fetch).toHaveBeenCalledTimes(1);
    const sent = fetch.mock.calls[0]![0] as Request;
    expect(await sent.clone().json()).toEqual({
      username: 'jane',
      password: 'a long password',
    });
  });
});

describe('the code of a second factor', () => {
  const asked = () =>
    answer(401, {
      title: 'Unauthorized',
      status: 401,
      type: 'urn:atoll:problem:second-factor',
      detail: 'A code is needed.',
    });
  const enter = () => {
    fireEvent.change(screen.getByLabelText('User name'), { target: { value: 'jane' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'a long password' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  };
  it('is asked for when the core does, and sent with the password', async () => {
    const fetch = fetched().mockResolvedValueOnce(asked());
    const done = vi.fn();
    render(<SignInForm onDone={done} />);
    enter();
    const code = await screen.findByLabelText<HTMLInputElement>('Code');
    expect(screen.queryByRole('alert')).toBeNull();
    fetch.mockResolvedValueOnce(
      answer(401, { title: 'Unauthorized', status: 401, detail: 'The code is wrong or was used.' }),
    );
    fireEvent.change(code, { target: { value: '000000' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    expect((await screen.findByRole('alert')).textContent).toContain('The code is wrong');
    expect(code.value).toBe('');
    fetch.mockResolvedValueOnce(answer(201, { user: { name: 'jane' }, csrfToken: 'c', expiresAt: '' }));
    fireEvent.change(code, { target: { value: ' 123456 ' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await waitFor(() => expect(done).toHaveBeenCalledTimes(1));
    const sent = fetch.mock.calls[2]![0] as Request;
    expect(await sent.clone().json()).toEqual({ username: 'jane', password: 'a long password', code: '123456' });
  });
  it('is no way back to a password that is kept', async () => {
    fetched().mockResolvedValueOnce(asked());
    render(<SignInForm onDone={() => undefined} />);
    enter();
    await screen.findByLabelText('Code');
    fireEvent.click(screen.getByRole('button', { name: 'Back' }));
    expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('');
    expect(screen.getByLabelText<HTMLInputElement>('User name').value).toBe('jane');
  });
});

describe('identity providers', () => {
  const known: Provider[] = [
    { name: 'corp', title: 'Corporate directory', kind: 'ldap' },
    { name: 'sso', title: 'Single sign-on', kind: 'oidc', startPath: '/auth/oidc/sso/start' },
  ];
  it('that know a password can be chosen, and are sent with it', async () => {
    const fetch = fetched().mockResolvedValue(answer(201, { user: { name: 'jane' }, csrfToken: 'c', expiresAt: '' }));
    const done = vi.fn();
    render(<SignInForm directories={directoriesOf(known)} onDone={done} />);
    expect(screen.getAllByRole('option').map((one) => one.textContent)).toEqual(['Atoll', 'Corporate directory']);
    fireEvent.change(screen.getByLabelText('Account'), { target: { value: 'corp' } });
    fireEvent.change(screen.getByLabelText('User name'), { target: { value: 'jane' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'a long password' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await waitFor(() => expect(done).toHaveBeenCalledTimes(1));
    const sent = fetch.mock.calls[0]![0] as Request;
    expect(await sent.clone().json()).toEqual({ username: 'jane', password: 'a long password', provider: 'corp' });
  });
  it('that have a page are gone to, with the way back', () => {
    render(<ProviderLinks providers={known} next="/authorize?name=a+b&state=x" />);
    const links = screen.getAllByRole('link');
    expect(links).toHaveLength(1);
    expect(links[0]!.textContent).toBe('Sign in with Single sign-on');
    expect(links[0]!.getAttribute('href')).toBe('/auth/oidc/sso/start?next=%2Fauthorize%3Fname%3Da%2Bb%26state%3Dx');
  });
});

describe('choosing a password', () => {
  const fill = (first: string, second: string) => {
    fireEvent.change(screen.getByLabelText('New password'), { target: { value: first } });
    fireEvent.change(screen.getByLabelText('Once more'), { target: { value: second } });
    fireEvent.click(screen.getByRole('button', { name: 'Set password and continue' }));
  };
  it('refuses a short one and two that differ, before anything is sent', async () => {
    const fetch = fetched();
    render(<PasswordForm current="given" onDone={() => undefined} submitLabel="Set password and continue" />);
    fill('short', 'short');
    expect((await screen.findByRole('alert')).textContent).toContain('5 characters are too few');
    fill('tide pool lantern 47', 'tide pool lantern 48');
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('The two passwords differ.'));
    expect(fetch).not.toHaveBeenCalled();
  });
});
