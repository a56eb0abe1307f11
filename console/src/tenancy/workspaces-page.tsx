// All workspaces that the person may see; create one.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Briefcase, Plus } from 'lucide-react';
import { useState } from 'react';
import { access, workspaces as workspacesQuery } from '../api/queries';
import { done, rest } from '../api/rest';
import { readTime } from '../format/time';
import { FormDialog, useSend } from '../kit/asking';
import { Button } from '../kit/button';
import { TextField } from '../kit/field';
import { PageHead } from '../kit/page';
import { Awaited, Empty } from '../kit/states';
import { Age } from '../kit/times';
import { toast } from '../kit/toasts';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { useScope } from '../shell/scope';
import { t } from '../words/words';
import { nameTrouble } from './create-project';
import { roleWord } from './project-table';

export function WorkspacesPage() {
  const { data, error, refetch } = useQuery(workspacesQuery());
  const may = useQuery(access({}));
  const { projects } = useScope();
  const [creating, setCreating] = useState(false);
  const locked =
    may.data && !may.data.has('workspaces.manage')
      ? t('Missing workspaces.manage on the platform. A platform administrator can grant it.')
      : undefined;
  const create = (
    <Button look="primary" icon={Plus} locked={locked} onClick={() => setCreating(true)}>
      {t('Create workspace')}
    </Button>
  );
  return (
    <>
      <PageHead name={t('Workspaces')} title={t('Workspaces')} actions={create} />
      {data === undefined ? (
        <Awaited what={t('the workspaces')} error={error} onRetry={() => void refetch()} />
      ) : data.length === 0 ? (
        <Empty icon={Briefcase} title={t('No workspace yet')} actions={create}>
          {t('A workspace is a team: it has members and holds projects on any cluster.')}
        </Empty>
      ) : (
        <div className="table-wrap pad-top">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t('Name')}</th>
                <th scope="col" className="num">
                  {t('Projects')}
                </th>
                <th scope="col" className="opt-m">
                  {t('Your role')}
                </th>
                <th scope="col" className="num">
                  {t('Age')}
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((one) => (
                <tr key={one.name}>
                  <td>
                    <Link className="name" to={paths.workspace(one.name)}>
                      {one.title || one.name}
                    </Link>
                    {one.title && one.title !== one.name ? <span className="hash"> {one.name}</span> : null}
                  </td>
                  <td className="num">{projects.filter((project) => project.workspace === one.name).length}</td>
                  <td className="second opt-m">{(one.roles ?? []).map(roleWord).join(', ') || '–'}</td>
                  <td className="num second">
                    <Age at={readTime(one.createdAt)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {creating ? <CreateWorkspace onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function CreateWorkspace({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [title, setTitle] = useState('');
  const [tried, setTried] = useState(false);
  const { busy, error, clear, send } = useSend();
  const queries = useQueryClient();
  const trouble = nameTrouble(name);
  const create = async () => {
    await done(rest.POST('/api/v1/workspaces', { body: { name, title: title || undefined } }));
    await queries.invalidateQueries({ queryKey: ['workspaces'] });
    toast('ok', t('Created workspace {name}', { name }));
    onClose();
  };
  return (
    <FormDialog
      title={t('Create workspace')}
      verb={t('Create workspace')}
      busy={busy}
      onSend={() => {
        setTried(true);
        if (!trouble) void send(create);
      }}
      onClose={onClose}
    >
      <TextField
        label={t('Name')}
        autoFocus
        required
        spellCheck={false}
        value={name}
        error={tried && trouble ? trouble : error || undefined}
        onChange={(event) => {
          setName(event.target.value);
          clear();
        }}
      />
      <TextField label={t('Title')} optional value={title} onChange={(event) => setTitle(event.target.value)} />
    </FormDialog>
  );
}
