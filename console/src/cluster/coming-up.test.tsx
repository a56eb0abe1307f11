import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../api/types';
import { ComingUp } from './coming-up';

afterEach(cleanup);

const cluster = (change: Partial<Cluster>): Cluster => ({
  name: 'local',
  title: 'Local',
  phase: 'Building',
  since: new Date().toISOString(),
  parts: [
    { name: 'etcd', title: 'etcd', state: 'ready', seconds: 41 },
    { name: 'kube-apiserver', title: 'kube-apiserver', state: 'building', detail: 'compiling', seconds: 12.3 },
    { name: 'kubelet', title: 'kubelet', state: 'pending' },
  ],
  ...change,
});

describe('a cluster that comes up', () => {
  it('shows each part with state, time and detail, and how far it is', () => {
    const { container } = render(<ComingUp cluster={cluster({})} />);
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Local is coming up');
    expect(screen.getByRole('progressbar').getAttribute('aria-valuetext')).toBe('1 of 3 parts are up');
    const api = container.querySelector('[data-part="kube-apiserver"]')!;
    expect(api.textContent).toContain('Building');
    expect(api.textContent).toContain('compiling');
    expect(api.textContent).toContain('12\u2009s');
  });
  it('follows what it is told', () => {
    const { rerender } = render(<ComingUp cluster={cluster({})} />);
    const parts = cluster({}).parts.map((part) => ({ ...part, state: 'ready' as const }));
    rerender(<ComingUp cluster={cluster({ phase: 'Starting', parts })} />);
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('3');
  });
  it('names the part that failed and the end of its log', () => {
    const parts = [
      {
        name: 'kube-scheduler',
        title: 'kube-scheduler',
        state: 'failed' as const,
        detail: 'bind: address already in use',
      },
    ];
    render(<ComingUp cluster={cluster({ phase: 'Failed', message: 'kube-scheduler stopped', parts })} />);
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Local did not come up');
    expect(screen.getByRole('alert').textContent).toContain('kube-scheduler stopped');
    expect(screen.getByText('bind: address already in use')).toBeTruthy();
  });
});
