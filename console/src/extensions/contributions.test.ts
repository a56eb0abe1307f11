import { describe, expect, it } from 'vitest';
import type { Contribution } from '../api/types';
import { kindOf } from '../kubernetes/kinds';
import { navEntries, pageAt, tabsFor } from './contributions';

const one = (change: Partial<Contribution>): Contribution => ({
  extension: 'logging',
  version: '0.1.0',
  digest: 'd',
  title: 'Logging',
  slot: 'page',
  id: 'x',
  label: '',
  order: 100,
  allowed: true,
  fragment: 'f',
  ...change,
});

describe('entries of the navigation', () => {
  it('are those of the place, in order', () => {
    const all = [
      one({ slot: 'nav.project', id: 'b', order: 20 }),
      one({ slot: 'nav.platform', id: 'p' }),
      one({ slot: 'nav.project', id: 'a', order: 10 }),
    ];
    expect(navEntries(all, 'project').map((entry) => entry.id)).toEqual(['a', 'b']);
    expect(navEntries(all, 'workspace')).toEqual([]);
  });
});

describe('the page at a route', () => {
  const all = [
    one({ id: 'root', route: '/' }),
    one({ id: 'logs', route: '/logs' }),
    one({ id: 'deep', route: '/logs/saved' }),
    one({ extension: 'other', id: 'other', route: '/logs' }),
  ];
  it.each([
    ['/logs', 'logs'],
    ['/logs/of/pod', 'logs'],
    ['/logs/saved', 'deep'],
    ['/logsmore', 'root'],
    ['/', 'root'],
  ])('%s is %s', (route, id) => expect(pageAt(all, 'logging', route)?.id).toBe(id));
  it('is never the page of another extension', () => expect(pageAt(all, 'hello', '/logs')).toBeUndefined());
});

describe('tabs of an object', () => {
  const tab = (gvr: string | undefined) => one({ slot: 'resource.tab', match: gvr ? { gvr } : undefined });
  it('are those of its kind, and those of every kind', () => {
    expect(tabsFor([tab('v1/pods')], kindOf('pods')!)).toHaveLength(1);
    expect(tabsFor([tab('core/v1/pods')], kindOf('pods')!)).toHaveLength(1);
    expect(tabsFor([tab('apps/v1/deployments')], kindOf('pods')!)).toHaveLength(0);
    expect(tabsFor([tab('apps/v1/deployments')], kindOf('deployments')!)).toHaveLength(1);
    expect(tabsFor([tab(undefined)], kindOf('jobs')!)).toHaveLength(1);
  });
});
