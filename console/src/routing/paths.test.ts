import { describe, expect, it } from 'vitest';
import { paths, placePath, readPlace, sameIn } from './paths';

const at = { cluster: 'local', project: 'demo' };

describe('paths', () => {
  it('are these', () => {
    const all = [
      paths.home(),
      paths.signIn(),
      paths.signIn('/c/local?q=a b'),
      paths.cluster('local'),
      paths.overview(at),
      paths.list(at, 'pods'),
      paths.object(at, 'pods', 'web-0'),
      paths.object(at, 'pods', 'web-0', 'yaml'),
      paths.projectMembers(at),
      paths.workspace('reef'),
      paths.workspaceMembers('reef'),
      paths.extensions(),
      paths.settings('tokens'),
      paths.extension({ area: 'project', ...at }, 'logging', '/logs/recent'),
      paths.extension({ area: 'platform' }, 'hello', '/'),
    ];
    expect(all).toEqual([
      '/',
      '/signin',
      '/signin?next=%2Fc%2Flocal%3Fq%3Da%20b',
      '/c/local',
      '/c/local/p/demo',
      '/c/local/p/demo/pods',
      '/c/local/p/demo/pods/web-0',
      '/c/local/p/demo/pods/web-0?tab=yaml',
      '/c/local/p/demo/members',
      '/w/reef',
      '/w/reef/members',
      '/platform/extensions',
      '/settings/tokens',
      '/c/local/p/demo/e/logging/logs/recent',
      '/platform/e/hello/',
    ]);
  });
  it('never begin with what belongs to the core', () => {
    const hostile = { cluster: '../../x', project: 'a/b' };
    for (const path of [paths.overview(hostile), paths.list(hostile, 'pods'), paths.cluster('..')]) {
      expect(path).toMatch(/^\/c\//);
      expect(path).not.toMatch(/\.\.\//);
    }
  });
});

describe('reading', () => {
  it('gives back what was built', () => {
    for (const place of [
      { area: 'platform' },
      { area: 'cluster', cluster: 'eu north/1' },
      { area: 'workspace', workspace: 'reef' },
      { area: 'project', cluster: 'local', project: 'a%b' },
    ] as const) {
      expect(readPlace(placePath(place))).toEqual(place);
      expect(readPlace(`${placePath(place)}/e/logging/logs`)).toEqual(place);
    }
  });
  it('knows pages that stand nowhere, and survives broken escapes', () => {
    expect(readPlace('/')).toBeUndefined();
    expect(readPlace('/settings/tokens')).toBeUndefined();
    expect(readPlace('/c/%zz')).toEqual({ area: 'cluster', cluster: '%zz' });
  });
});

describe('the same page in another project', () => {
  const to = { cluster: 'local', project: 'other' };
  it.each([
    ['/c/local/p/demo', '/c/local/p/other'],
    ['/c/local/p/demo/pods', '/c/local/p/other/pods'],
    ['/c/local/p/demo/pods/web-0', '/c/local/p/other/pods'],
    ['/c/local/p/demo/e/logging/logs', '/c/local/p/other/e/logging/logs'],
    ['/settings', '/c/local/p/other'],
  ])('%s becomes %s', (from, want) => expect(sameIn(from, to)).toBe(want));
});
