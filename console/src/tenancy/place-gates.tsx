// Pages of a project or a workspace are shown where there is one: an empty list of what is not there would look as if all were well.
import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { Briefcase, FolderOpen } from 'lucide-react';
import { problemOf } from '../api/problem';
import { namespace } from '../api/queries';
import { Empty, Skeleton } from '../kit/states';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { useScope } from '../shell/scope';
import { t } from '../words/words';

/** A namespace that is no project has the same pages, for who may look into it. */
export function ProjectGate() {
  const { place, projects, projectsKnown } = useScope();
  const at = place?.area === 'project' ? place : { cluster: '', project: '' };
  const listed = projects.some((one) => one.cluster === at.cluster && one.name === at.project);
  const { data, error } = useQuery({ ...namespace(at), enabled: projectsKnown && !listed });
  if (listed || data) return <Outlet />;
  if (!error)
    return (
      <div className="page-body">
        <Skeleton />
      </div>
    );
  const { status } = problemOf(error);
  if (status !== 403 && status !== 404) return <Outlet />; // each page says what it lacks
  return (
    <Empty
      icon={FolderOpen}
      title={t('There is no project {project} on {cluster}', at)}
      actions={
        <Link className="btn" to={paths.cluster(at.cluster)}>
          {t('All projects')}
        </Link>
      }
    >
      {t('It may have been removed, or you may not see it.')}
    </Empty>
  );
}

/** Who sees a project sees its workspace as far as its projects go. */
export function WorkspaceGate() {
  const { place, projects, projectsKnown, workspaces, workspacesKnown } = useScope();
  const name = place?.area === 'workspace' ? place.workspace : '';
  const here = workspaces.some((one) => one.name === name) || projects.some((one) => one.workspace === name);
  if (here || !projectsKnown || !workspacesKnown) return <Outlet />;
  return (
    <Empty
      icon={Briefcase}
      title={t('There is no workspace {workspace}', { workspace: name })}
      actions={
        <Link className="btn" to={paths.workspaces()}>
          {t('All workspaces')}
        </Link>
      }
    >
      {t('It may have been removed, or you may not see it.')}
    </Empty>
  );
}
