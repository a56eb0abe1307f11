// A cluster's own page: the projects on it that the person may see.

import { useQuery } from '@tanstack/react-query';
import { FolderOpen, Plus, Terminal } from 'lucide-react';
import { useState } from 'react';
import { access } from '../api/queries';
import { Button } from '../kit/button';
import { PageHead } from '../kit/page';
import { Empty, Skeleton } from '../kit/states';
import { Status } from '../kit/status';
import { useQueryValue } from '../routing/link';
import { Kubeconfig } from '../settings/kubeconfig';
import { useCluster, useScope } from '../shell/scope';
import { CreateProject } from '../tenancy/create-project';
import { ProjectTable } from '../tenancy/project-table';
import { t } from '../words/words';
import { phaseState } from './phase';

export function ClusterPage() {
  const cluster = useCluster()!;
  const { projects, projectsKnown, workspaces } = useScope();
  const [asked, ask] = useQueryValue('new');
  const [kubectl, setKubectl] = useState(false);
  const here = projects.filter((one) => one.cluster === cluster.name);
  const may = useQuery(access({}));
  const locked =
    may.data && !may.data.has('projects.manage') && workspaces.length === 0
      ? t('Missing projects.manage. An administrator of a workspace can grant it.')
      : undefined;
  const state = phaseState(cluster.phase);
  const create = (
    <Button look="primary" icon={Plus} locked={locked} onClick={() => ask('project')}>
      {t('Create project')}
    </Button>
  );
  return (
    <>
      <PageHead
        name={cluster.title || cluster.name}
        title={cluster.title || cluster.name}
        state={
          <Status
            tone={state.tone}
            shape={state.shape}
            why={cluster.version ? `Kubernetes ${cluster.version}` : undefined}
          >
            {state.word}
          </Status>
        }
        actions={
          <>
            <Button icon={Terminal} className="opt-m" onClick={() => setKubectl(true)}>
              {t('Use kubectl')}
            </Button>
            {create}
          </>
        }
        sub={
          cluster.node === 'simulated'
            ? t('Nodes are simulated: {reason}', { reason: cluster.reason || t('asked for') })
            : undefined
        }
      />
      {!projectsKnown ? (
        <div className="page-body">
          <Skeleton />
        </div>
      ) : here.length === 0 ? (
        <Empty icon={FolderOpen} title={t('No project here yet')} actions={create}>
          {t(
            'A project is a namespace with members. Create one, or ask an administrator of a workspace to add you to theirs.',
          )}
        </Empty>
      ) : (
        <div className="table-wrap pad-top">
          <ProjectTable projects={here} column="workspace" />
        </div>
      )}
      {asked === 'project' ? <CreateProject cluster={cluster.name} onClose={() => ask('')} /> : null}
      {kubectl ? <Kubeconfig cluster={cluster} onClose={() => setKubectl(false)} /> : null}
    </>
  );
}
