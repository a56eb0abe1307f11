import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TenantUsage, Usage } from '../api/types';
import { speak } from '../words/words';
import { UsageTable } from './usage-table';

const used = (of: Partial<TenantUsage>): TenantUsage => ({
  requests: 0,
  cpuSeconds: 0,
  units: 0,
  bytesIn: 0,
  bytesOut: 0,
  hostCalls: 0,
  logLinesDropped: 0,
  memoryBytes: 0,
  memoryPeakBytes: 0,
  faults: {},
  refused: {},
  ...of,
});

/** Shows the table of an extension whose usage the core answers. */
async function show(tenants: TenantUsage[], total: Usage = used({ requests: 31204 })) {
  const asked = vi.fn(async (request: Request) => {
    expect(new URL(request.url).pathname).toBe('/api/v1/extensions/logging/usage');
    return Response.json({ name: 'logging', version: '1.2.0', total, tenants });
  });
  vi.stubGlobal('fetch', asked);
  const drawn = render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <UsageTable name="logging" />
    </QueryClientProvider>,
  );
  await waitFor(() => expect(drawn.container.querySelector('table, p, [role=alert]')).toBeTruthy());
  return drawn;
}

const rows = () =>
  screen
    .getAllByRole('row')
    .map((row) =>
      [...row.querySelectorAll('th, td')].map((cell) => cell.textContent?.replaceAll('\u2009', ' ').trim()),
    );

afterEach(async () => {
  cleanup();
  vi.unstubAllGlobals();
  await speak('en');
});

describe('the usage of an extension', () => {
  it('says who has used how much, and all together', async () => {
    await show(
      [
        used({
          workspace: 'shop',
          requests: 31000,
          cpuSeconds: 72,
          memoryBytes: 59 * 2 ** 20,
          bytesIn: 2 ** 20,
          bytesOut: 2 ** 21,
          refused: { requestRate: 2, cpuPerMinute: 3 },
        }),
        used({ workspace: 'bank', user: 'jane', requests: 200, cpuSeconds: 0.24 }),
        used({ user: 'joe', requests: 3 }),
        used({ others: true, requests: 1 }),
      ],
      used({ requests: 31204, cpuSeconds: 72.3 }),
    );
    expect(rows()).toEqual([
      ['Workspace or user', 'Requests', 'CPU', 'Memory', 'Bytes', 'Refused'],
      ['shop', '31,000', '1 min 12 s', '59 Mi', '3.0 Mi', '5'],
      ['jane in bank', '200', '240 ms', '0 B', '0 B', '0'],
      ['joe', '3', '0 ms', '0 B', '0 B', '0'],
      ['All others', '1', '0 ms', '0 B', '0 B', '0'],
      ['In all', '31,204', '1 min 12 s', '0 B', '0 B', '0'],
    ]);
    expect(screen.getByTitle('cpuPerMinute 3, requestRate 2')).toBeTruthy();
    expect(screen.getByTitle('1.0 Mi into it, 2.0 Mi out of it')).toBeTruthy();
    expect(screen.getByText('since 1.2.0 is active')).toBeTruthy();
  });
  it('shows a few, and all when asked', async () => {
    const { container } = await show(Array.from({ length: 60 }, (_, n) => used({ workspace: `w${n}`, requests: 1 })));
    expect(container.querySelectorAll('tbody tr')).toHaveLength(12);
    fireEvent.click(screen.getByText('Show all 60'));
    expect(container.querySelectorAll('tbody tr')).toHaveLength(60);
    expect(container.querySelector('button')).toBeNull();
  });
  it('says when nobody has used it', async () => {
    await show([], used({}));
    expect(screen.getByText('Nobody has asked it for anything yet.')).toBeTruthy();
    expect(screen.queryByRole('table')).toBeNull();
  });
  it('says why it cannot be shown', async () => {
    vi.stubGlobal(
      'fetch',
      vi.fn(async () =>
        Response.json({ type: 'about:blank', title: 'Not Found', status: 404, detail: 'It is gone.' }, { status: 404 }),
      ),
    );
    render(
      <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
        <UsageTable name="logging" />
      </QueryClientProvider>,
    );
    await waitFor(() => expect(screen.getByText(/It is gone/)).toBeTruthy());
  });
  it('speaks Chinese', async () => {
    await speak('zh');
    await show([used({ others: true, requests: 1 })]);
    expect(rows()[0]).toEqual(['工作空间或用户', '请求', 'CPU', '内存', '字节', '已拒绝']);
  });
});
