// The navigation at the left: the pages of the place one is in. Entries of extensions stand with the task, marked by three islets.
import { useQuery } from '@tanstack/react-query';
import { Boxes, Briefcase, FolderOpen, LayoutDashboard, type LucideIcon, Puzzle, Settings, Users } from 'lucide-react';
import { info } from '../api/queries';
import { labelOf, navEntries } from '../extensions/contributions';
import { extensionIcon } from '../extensions/icons';
import { Icon, Origin } from '../kit/icon';
import { type KindGroup, kinds, titleOf } from '../kubernetes/kinds';
import { Link, usePath } from '../routing/link';
import { type Place, paths } from '../routing/paths';
import { hasPlatformRole, useUser } from '../session/session';
import { t } from '../words/words';
import { useCluster, useScope } from './scope';

type Entry = {
  key: string;
  to: string;
  label: string;
  icon: LucideIcon;
  from?: string;
  locked?: boolean;
  exact?: boolean;
};
type Group = { title: string; entries: Entry[] };

const kindEntries = (group: KindGroup, at: { cluster: string; project: string }): Entry[] =>
  kinds
    .filter((kind) => kind.in === group)
    .map((kind) => ({
      key: kind.resource,
      to: paths.list(at, kind.resource),
      label: titleOf(kind.many()),
      icon: kind.icon,
    }));

function useGroups(place: Place): Group[] {
  const { contributions } = useScope();
  const user = useUser();
  const extended: Group = {
    title: place.area === 'project' ? t('Observe') : t('Extensions'),
    entries: navEntries(contributions, place.area).map((one) => ({
      key: `${one.extension}/${one.id}`,
      to: paths.extension(place, one.extension, one.route ?? '/'),
      label: labelOf(one),
      icon: extensionIcon(one.icon),
      from: one.title || one.extension,
      locked: one.allowed === false,
    })),
  };
  switch (place.area) {
    case 'project':
      return [
        {
          title: '',
          entries: [
            { key: 'overview', to: paths.overview(place), label: t('Overview'), icon: LayoutDashboard, exact: true },
          ],
        },
        { title: t('Workloads'), entries: kindEntries('workloads', place) },
        { title: t('Network and storage'), entries: kindEntries('network', place) },
        { title: t('Configuration'), entries: kindEntries('configuration', place) },
        extended,
        {
          title: t('Project'),
          entries: [{ key: 'members', to: paths.projectMembers(place), label: t('Members'), icon: Users }],
        },
      ];
    case 'workspace':
      return [
        {
          title: '',
          entries: [
            {
              key: 'projects',
              to: paths.workspace(place.workspace),
              label: t('Projects'),
              icon: FolderOpen,
              exact: true,
            },
          ],
        },
        extended,
        {
          title: t('Workspace'),
          entries: [{ key: 'members', to: paths.workspaceMembers(place.workspace), label: t('Members'), icon: Users }],
        },
      ];
    case 'cluster':
      return [
        {
          title: '',
          entries: [
            { key: 'projects', to: paths.cluster(place.cluster), label: t('Projects'), icon: FolderOpen, exact: true },
          ],
        },
        extended,
        platformGroup(user),
      ];
    case 'platform':
      return [platformGroup(user), extended];
  }
}

function platformGroup(user: Parameters<typeof hasPlatformRole>[0]): Group {
  const admin = hasPlatformRole(user, 'platform-admin', 'platform-operator');
  return {
    title: t('Platform'),
    entries: [
      { key: 'clusters', to: paths.clusters(), label: t('Clusters'), icon: Boxes },
      { key: 'workspaces', to: paths.workspaces(), label: t('Workspaces'), icon: Briefcase },
      ...(admin
        ? [
            { key: 'users', to: paths.users(), label: t('Users'), icon: Users },
            { key: 'extensions', to: paths.extensions(), label: t('Extensions'), icon: Puzzle },
          ]
        : []),
    ],
  };
}

/** All entries of a place's navigation in one list, for the palette. */
export const useNavEntries = (place: Place | undefined): Entry[] =>
  useGroups(place ?? { area: 'platform' }).flatMap((group) => group.entries);

export function Nav({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { place } = useScope();
  const path = usePath();
  const groups = useGroups(place ?? { area: 'platform' });
  const { data } = useQuery(info());
  const cluster = useCluster();
  const here = (entry: Entry) => {
    const at = entry.to.replace(/\/$/, '');
    const now = path.replace(/\/$/, '');
    return now === at || (!entry.exact && now.startsWith(`${at}/`));
  };
  return (
    <nav
      className={`nav${open ? ' open' : ''}`}
      id="navigation"
      aria-label={t('Pages')}
      onClick={onClose}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      {groups
        .filter((group) => group.entries.length > 0)
        .map((group) => (
          <div key={group.title}>
            {group.title ? <h2>{group.title}</h2> : null}
            <ul>
              {group.entries.map((entry) => (
                <li key={entry.key}>
                  <Link to={entry.to} aria-current={here(entry) ? 'page' : undefined}>
                    <Icon of={entry.icon} />
                    <span className="trunc">{entry.label}</span>
                    {entry.from ? (
                      <span className="end">
                        <Origin from={entry.from} />
                      </span>
                    ) : null}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      <p className="foot">
        <Link
          to={paths.settings()}
          className="settings"
          aria-current={path.startsWith('/settings') ? 'page' : undefined}
        >
          <Icon of={Settings} />
          {t('Settings')}
        </Link>
        Atoll{data?.version ? ` ${data.version}` : ''}
        {cluster?.version ? ` · Kubernetes ${cluster.version.replace(/^v/, '')}` : ''}
      </p>
    </nav>
  );
}
