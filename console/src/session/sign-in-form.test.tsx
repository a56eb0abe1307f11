import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
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
