// Home is where one was last; or the first project; or the cluster that is coming up; or the platform.
import { FolderOpen } from 'lucide-react';
import { useEffect } from 'react';
import { Empty, Skeleton } from '../kit/states';
import { useGo } from '../routing/link';
import { paths, readPlace } from '../routing/paths';
import { hasPlatformRole, useUser } from '../session/session';
import { useScope } from '../shell/scope';
import { t } from '../words/words';
import { lastPlace } from './last-place';

export function HomePage() {
  const { clusters, projects, projectsKnown, workspaces } = useScope();
  const user = useUser();
  const go = useGo();
  const known = clusters.value?.items;
  const staff = hasPlatformRole(user, 'platform-admin', 'platform-operator');

  let to: string | undefined;
  if (known && projectsKnown) {
    const last = readPlace(lastPlace() ?? '');
    const project =
      (last?.area === 'project'
        ? projects.find((one) => one.cluster === last.cluster && one.name === last.project)
        : undefined) ?? projects[0];
    const cluster = known.find((one) => one.name === project?.cluster) ?? known[0];
    if (cluster && cluster.phase !== 'Ready') to = paths.cluster(cluster.name);
    else if (project) to = paths.overview({ cluster: project.cluster, project: project.name });
    else if (staff) to = cluster ? paths.cluster(cluster.name) : paths.clusters();
    else if (workspaces[0]) to = paths.workspace(workspaces[0].name);
  }
  useEffect(() => {
    if (to) go(to, { replace: true });
  }, [to, go]);

  if (to === undefined && known && projectsKnown) {
    return (
      <Empty icon={FolderOpen} title={t('Nothing is shared with you yet')}>
        {t(
          'You are signed in as {name}, and belong to no workspace or project. An administrator of a workspace can add you.',
          { name: user.name },
        )}
      </Empty>
    );
  }
  return (
    <div className="page-body">
      <Skeleton />
    </div>
  );
}
