import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { ApiError } from '../api/problem';
import { ConfirmDialog, FormDialog, SecretDialog, useSend } from './asking';
import { TextField } from './field';

afterEach(cleanup);

function Form({ work }: { work: () => Promise<void> }) {
  const { busy, error, send } = useSend();
  return (
    <FormDialog title="Name it" verb="Send" busy={busy} onSend={() => void send(work)} onClose={() => undefined}>
      <TextField label="Name" error={error || undefined} />
    </FormDialog>
  );
}

it('sends once at a time, says what went wrong, and sends again', async () => {
  let fail: (reason: Error) => void = () => undefined;
  const work = vi.fn(() => new Promise<void>((_, reject) => (fail = reject)));
  render(<Form work={work} />);
  const form = screen.getByLabelText('Name').closest('form')!;
  fireEvent.submit(form);
  fireEvent.submit(form);
  expect(work).toHaveBeenCalledTimes(1);
  fail(new ApiError({ title: 'Conflict', detail: 'The name is taken.' }));
  expect((await screen.findByRole('alert')).textContent).toContain('The name is taken.');
  fireEvent.submit(form);
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  expect(work).toHaveBeenCalledTimes(2);
});

it('gives the focus back to what opened it, also where a secret takes the place of a form', async () => {
  function Page() {
    const [open, setOpen] = useState('');
    return (
      <main tabIndex={-1}>
        <button type="button" onClick={() => setOpen('form')}>
          Create
        </button>
        {open === 'form' ? (
          <FormDialog
            title="Name it"
            verb="Send"
            busy={false}
            onSend={() => setOpen('secret')}
            onClose={() => setOpen('')}
          >
            <TextField label="Name" autoFocus />
          </FormDialog>
        ) : null}
        {open === 'secret' ? (
          <SecretDialog title="Made" secret="s" copy="Copy it" warning="Once" onClose={() => setOpen('')}>
            Keep it.
          </SecretDialog>
        ) : null}
      </main>
    );
  }
  render(<Page />);
  const create = screen.getByText('Create');
  create.focus();
  fireEvent.click(create);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Name')));
  fireEvent.submit(screen.getByLabelText('Name').closest('form')!);
  fireEvent.click(await screen.findByText('I have kept it'));
  await waitFor(() => expect(document.activeElement).toBe(create));
});

it('asks for a yes with the focus on the no', async () => {
  const remove = vi.fn();
  render(
    <ConfirmDialog
      title="Remove it?"
      verb="Remove"
      keep="Keep it"
      busy={false}
      onConfirm={remove}
      onClose={() => undefined}
    >
      It goes.
    </ConfirmDialog>,
  );
  await waitFor(() => expect(document.activeElement).toBe(screen.getByText('Keep it')));
});
