import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EnrolForm } from './enrol-form';

const answer = (status: number, body: object) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
const made = () =>
  answer(201, { secret: 'JBSWY3DPEHPK3PXP', url: 'otpauth://totp/Atoll:jane?secret=JBSWY3DPEHPK3PXP&issuer=Atoll' });

afterEach(cleanup);

describe('a second factor that is asked for', () => {
  it('is set up by a code, and the recovery codes are shown before it goes on', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValueOnce(made());
    const done = vi.fn();
    const { rerender } = render(<EnrolForm onDone={done} />);
    rerender(<EnrolForm password="a long password" onDone={done} />);
    fireEvent.click(screen.getByRole('button', { name: 'Go on' }));
    const code = await screen.findByLabelText<HTMLInputElement>('Code');
    expect(screen.getByText('JBSWY3DPEHPK3PXP')).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Open in an authenticator' }).getAttribute('href')).toMatch(/^otpauth:/);
    fetch.mockResolvedValueOnce(answer(422, { title: 'Unprocessable', status: 422, detail: 'The code is not right.' }));
    fireEvent.change(code, { target: { value: '000000' } });
    fireEvent.click(screen.getByRole('button', { name: 'Confirm' }));
    expect((await screen.findByRole('alert')).textContent).toContain('The code is not right.');
    fetch.mockResolvedValueOnce(answer(200, { recoveryCodes: ['abcd-2345', 'efgh-67ij'] }));
    fireEvent.change(code, { target: { value: '123456' } });
    fireEvent.click(screen.getByRole('button', { name: 'Confirm' }));
    await screen.findByRole('heading', { name: 'Keep your recovery codes' });
    expect(document.body.textContent).toContain('abcd-2345');
    expect(done).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'I have kept them' }));
    expect(done).toHaveBeenCalledTimes(1);
    const bodies = await Promise.all(fetch.mock.calls.map(([request]) => (request as Request).clone().json()));
    expect(bodies).toEqual([{ password: 'a long password' }, { code: '000000' }, { code: '123456' }]);
  });
  it('wants the password where it is not known any more', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch');
    fetch.mockResolvedValueOnce(answer(422, { title: 'Unprocessable', status: 422, detail: 'The password is wrong.' }));
    render(<EnrolForm onDone={() => undefined} />);
    const password = screen.getByLabelText<HTMLInputElement>('Password');
    expect(password.value).toBe('');
    fireEvent.change(password, { target: { value: 'wrong' } });
    fireEvent.click(screen.getByRole('button', { name: 'Go on' }));
    expect((await screen.findByRole('alert')).textContent).toContain('The password is wrong.');
    fetch.mockResolvedValueOnce(made());
    fireEvent.click(screen.getByRole('button', { name: 'Go on' }));
    await waitFor(() => expect(screen.queryByLabelText('Password')).toBeNull());
  });
});
