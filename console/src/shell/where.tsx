// Where one is, and how to go elsewhere: cluster, workspace, project.
import { Boxes, Briefcase, Folder, Globe, Plus } from 'lucide-react';
import { phaseState } from '../cluster/phase';
import { Status } from '../kit/status';
import { usePath } from '../routing/link';
import { paths, sameIn } from '../routing/paths';
import { t } from '../words/words';
import { useScope } from './scope';
import { type Choice, Switcher } from './switcher';

export function Where() {
  const { place, clusters, projects, workspaces } = useScope();
  const path = usePath();
  const known = clusters.value?.items ?? [];
  const cluster = place && 'cluster' in place ? place.cluster : undefined;
  const record =
    place?.area === 'project'
      ? projects.find((one) => one.cluster === place.cluster && one.name === place.project)
      : undefined;
  const workspace = place?.area === 'workspace' ? place.workspace : record?.workspace;

  const clusterChoices: Choice[] = [
    ...known.map((one) => {
      const state = phaseState(one.phase);
      return {
        key: one.name,
        to: paths.cluster(one.name),
        label: one.title || one.name,
        icon: Boxes,
        current: one.name === cluster,
        sub: (
          <Status tone={state.tone} shape={state.shape}>
            {state.word}
          </Status>
        ),
      };
    }),
    { key: ':platform', to: paths.clusters(), label: t('Platform'), icon: Globe, current: place?.area === 'platform' },
  ];
  const workspaceChoices: Choice[] = workspaces.map((one) => ({
    key: one.name,
    to: paths.workspace(one.name),
    label: one.title || one.name,
    icon: Briefcase,
    current: one.name === workspace,
    sub: one.title && one.title !== one.name ? one.name : undefined,
  }));
  const projectChoices: Choice[] = projects
    .filter((one) => cluster === undefined || one.cluster === cluster)
    .map((one) => ({
      key: `${one.cluster}/${one.name}`,
      to: sameIn(path, { cluster: one.cluster, project: one.name }),
      label: one.title || one.name,
      icon: Folder,
      group: one.workspace || t('Without a workspace'),
      current: place?.area === 'project' && one.cluster === place.cluster && one.name === place.project,
      sub: one.title && one.title !== one.name ? one.name : undefined,
    }))
    .sort((a, b) => a.group.localeCompare(b.group) || a.label.localeCompare(b.label));

  const clusterName = cluster === undefined ? undefined : known.find((one) => one.name === cluster)?.title || cluster;
  const workspaceName = workspaces.find((one) => one.name === workspace)?.title || workspace;
  const projectName = place?.area === 'project' ? record?.title || place.project : undefined;
  return (
    <nav className="scope" aria-label={t('Where you are')}>
      <Switcher
        icon={cluster === undefined ? Globe : Boxes}
        what={t('cluster')}
        name={clusterName ?? t('Platform')}
        choices={clusterChoices}
        className={projectName ? 'opt' : ''}
      />
      {workspaceName || workspaces.length > 0 ? (
        <>
          <Slash opt={Boolean(projectName)} />
          <Switcher
            icon={Briefcase}
            what={t('workspace')}
            name={workspaceName ?? t('Workspaces')}
            choices={workspaceChoices}
            className="opt"
            footer={{ to: paths.workspaces(), label: t('All workspaces'), icon: Briefcase }}
          />
        </>
      ) : null}
      {projectName || projectChoices.length > 0 ? (
        <>
          <Slash opt />
          <Switcher
            icon={Folder}
            what={t('project')}
            name={projectName ?? t('Projects')}
            choices={projectChoices}
            footer={
              cluster
                ? { to: `${paths.cluster(cluster)}?new=project`, label: t('Create project…'), icon: Plus }
                : undefined
            }
          />
        </>
      ) : null}
    </nav>
  );
}

const Slash = ({ opt }: { opt: boolean }) => (
  <span className={`sep${opt ? ' opt' : ''}`} aria-hidden="true">
    /
  </span>
);
