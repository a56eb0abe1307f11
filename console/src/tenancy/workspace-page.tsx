// A workspace: its projects, on all clusters.
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { FolderOpen, Plus } from 'lucide-react';
import { useState } from 'react';
import { access } from '../api/queries';
import { Button } from '../kit/button';
import { PageHead } from '../kit/page';
import { Empty, Skeleton } from '../kit/states';
import { useScope } from '../shell/scope';
import { t } from '../words/words';
import { CreateProject } from './create-project';
import { ProjectTable } from './project-table';

export function WorkspacePage() {
  const { workspace } = useParams({ strict: false }) as { workspace: string };
  const { projects, projectsKnown, workspaces } = useScope();
  const may = useQuery(access({ workspace }));
  const [creating, setCreating] = useState(false);
  const here = projects.filter((one) => one.workspace === workspace);
  const title = workspaces.find((one) => one.name === workspace)?.title || workspace;
  const locked =
    may.data && !may.data.has('projects.manage')
      ? t('Missing projects.manage. An administrator of a workspace can grant it.')
      : undefined;
  const create = (
    <Button look="primary" icon={Plus} locked={locked} onClick={() => setCreating(true)}>
      {t('Create project')}
    </Button>
  );
  return (
    <>
      <PageHead
        name={title}
        title={title}
        state={title === workspace ? undefined : <span className="muted">{workspace}</span>}
        actions={create}
        sub={t('Projects of this workspace')}
      />
      {!projectsKnown ? (
        <div className="page-body">
          <Skeleton />
        </div>
      ) : here.length === 0 ? (
        <Empty icon={FolderOpen} title={t('No project in {workspace} yet', { workspace: title })} actions={create}>
          {t('A project is a namespace on a cluster. Its members come from the workspace, or are added one by one.')}
        </Empty>
      ) : (
        <div className="table-wrap pad-top">
          <ProjectTable projects={here} column="cluster" />
        </div>
      )}
      {creating ? <CreateProject workspace={workspace} onClose={() => setCreating(false)} /> : null}
    </>
  );
}
