// Asks for what a new project needs: a name, a workspace, a cluster.
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { done, rest } from '../api/rest';
import { FormDialog, useSend } from '../kit/asking';
import { SelectField, TextField } from '../kit/field';
import { toast } from '../kit/toasts';
import { useGo } from '../routing/link';
import { paths } from '../routing/paths';
import { useScope } from '../shell/scope';
import { t } from '../words/words';

/** What is wrong with a name of a project, in words; nothing when it will do. It becomes a namespace. */
export function nameTrouble(name: string): string | undefined {
  if (name.length > 63) return t('{n} characters are too many; 63 is the most.', { n: name.length });
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
    return t('Only a–z, 0–9 and - within: for example "checkout" or "team-a".');
  if (/^kube-/.test(name)) return t('Names that begin with kube- belong to Kubernetes.');
  return undefined;
}

export function CreateProject({
  cluster,
  workspace,
  onClose,
}: {
  cluster?: string;
  workspace?: string;
  onClose: () => void;
}) {
  const { clusters, workspaces } = useScope();
  const ready = (clusters.value?.items ?? []).filter((one) => one.phase === 'Ready' || one.name === cluster);
  const [name, setName] = useState('');
  const [title, setTitle] = useState('');
  const [where, setWhere] = useState(cluster ?? ready[0]?.name ?? '');
  const [whose, setWhose] = useState(workspace ?? workspaces[0]?.name ?? '');
  const [tried, setTried] = useState(false);
  const { busy, error, clear, send } = useSend();
  const queries = useQueryClient();
  const go = useGo();
  const trouble = nameTrouble(name);
  const create = async () => {
    await done(
      rest.POST('/api/v1/clusters/{cluster}/projects', {
        params: { path: { cluster: where } },
        body: { name, workspace: whose, title: title || undefined },
      }),
    );
    await queries.invalidateQueries({ queryKey: ['projects'] });
    toast('ok', t('Created project {name}', { name }));
    onClose();
    go(paths.overview({ cluster: where, project: name }));
  };
  return (
    <FormDialog
      title={t('Create project')}
      verb={t('Create project')}
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
        help={t('Becomes the namespace. It cannot be changed later.')}
        error={tried && trouble ? trouble : error || undefined}
        onChange={(event) => {
          setName(event.target.value);
          clear();
        }}
      />
      <TextField label={t('Title')} optional value={title} onChange={(event) => setTitle(event.target.value)} />
      <SelectField
        label={t('Workspace')}
        value={whose}
        onChange={setWhose}
        choices={workspaces.map((one) => ({ value: one.name, label: one.title || one.name }))}
      />
      <SelectField
        label={t('Cluster')}
        value={where}
        onChange={setWhere}
        choices={ready.map((one) => ({ value: one.name, label: one.title || one.name }))}
      />
    </FormDialog>
  );
}
