import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Review } from '../api/types';
import { fileTrouble, largest } from './install';
import { ReviewSheet } from './review-sheet';

const review = {
  name: 'hello',
  version: '0.1.0',
  title: 'Hello',
  description: 'Greets.',
  digest: 'sha256:4c1fa802bb12aa',
  consent: 'sha256:what was read',
  publisher: 'atoll',
  asks: [
    { kind: 'kubernetes', text: 'Read pods, where the person who asks may', dangerous: false, reason: 'Show pods' },
    { kind: 'kubernetes', text: 'Delete pods, where the person who asks may', dangerous: true },
    { kind: 'console', text: 'Show a page at /hello', dangerous: false },
    { kind: 'something new', text: 'Do what this console does not know', dangerous: false },
  ],
} as Review;

const show = () =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ReviewSheet review={review} file={new File(['x'], 'hello.tar')} onClose={() => undefined} />
    </QueryClientProvider>,
  );

afterEach(cleanup);

describe('the review of a package', () => {
  it('says everything it asks for, the dangerous first and marked', () => {
    show();
    for (const ask of review.asks) expect(screen.getByText(ask.text)).toBeTruthy();
    const kubernetes = within(
      screen.getByRole('region', { name: 'Reads and changes Kubernetes for the person who asks' }),
    ).getAllByRole('listitem');
    expect(kubernetes[0]!.textContent).toContain('Delete pods');
    expect(kubernetes[0]!.textContent).toContain('look twice');
    expect(screen.getByText('1 thing deserves a second look')).toBeTruthy();
  });
  it('installs with the consent to exactly what was reviewed', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('{"name":"hello"}', { status: 201 }));
    show();
    fireEvent.click(screen.getByRole('button', { name: 'Consent and install' }));
    expect(await screen.findByText('Hello is installed')).toBeTruthy();
    const sent = fetch.mock.calls[0]![0] as Request;
    const at = new URL(sent.url);
    expect([sent.method, at.pathname, at.searchParams.get('consent')]).toEqual([
      'POST',
      '/api/v1/extensions',
      review.consent,
    ]);
    expect(sent.headers.get('Content-Type')).toBe('application/x-tar');
  });
  it('says why it could not be installed and lets the person try again', async () => {
    vi.spyOn(globalThis, 'fetch').mockResolvedValue(
      new Response(JSON.stringify({ title: 'Conflict', status: 409, detail: 'The package is another one.' }), {
        status: 409,
      }),
    );
    show();
    fireEvent.click(screen.getByRole('button', { name: 'Consent and install' }));
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('The package is another one.'));
    expect(screen.getByRole('button', { name: 'Consent and install' }).getAttribute('aria-disabled')).toBeNull();
  });
});

it('refuses files that are no package before they are sent', () => {
  expect(fileTrouble({ name: 'hello.tar', size: 10 })).toBeUndefined();
  expect(fileTrouble({ name: 'hello.zip', size: 10 })).toBe('not a tar');
  expect(fileTrouble({ name: 'hello.tar', size: 0 })).toBe('empty');
  expect(fileTrouble({ name: 'hello.tar', size: largest + 1 })).toBe('too large');
});
