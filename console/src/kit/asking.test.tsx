import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { ApiError } from '../api/problem';
import { FormDialog, useSend } from './asking';
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
