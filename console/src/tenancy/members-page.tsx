// The members of a project or of a workspace: who is here with which role; add, change, remove.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus, Trash2, Users } from 'lucide-react';
import { useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import { access, type MembersOf, members, putMember, removeMember } from '../api/queries';
import type { Member } from '../api/types';
import { ConfirmDialog, FormDialog, useSend } from '../kit/asking';
import { Button } from '../kit/button';
import { SelectField, TextField } from '../kit/field';
import { PageHead } from '../kit/page';
import { Awaited, Empty } from '../kit/states';
import { toast } from '../kit/toasts';
import { useScope } from '../shell/scope';
import { t } from '../words/words';
import { roleWord } from './project-table';

const rolesOf = (of: MembersOf): string[] =>
  'workspace' in of
    ? ['workspace-admin', 'workspace-member', 'workspace-viewer']
    : ['project-admin', 'project-developer', 'project-viewer'];

// What this page can change: a person with a preset role that does not end by itself.
const changeable = (one: Member, of: MembersOf): boolean =>
  one.user !== '' && !one.until && rolesOf(of).includes(one.role);

export function MembersPage() {
  const { place } = useScope();
  if (place?.area === 'project')
    return <MembersOfPlace of={{ cluster: place.cluster, project: place.project }} name={place.project} />;
  if (place?.area === 'workspace') return <MembersOfPlace of={{ workspace: place.workspace }} name={place.workspace} />;
  return null;
}

function MembersOfPlace({ of, name }: { of: MembersOf; name: string }) {
  const { data, error, refetch } = useQuery(members(of));
  const may = useQuery(access(of));
  const queries = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Member>();
  const locked =
    may.data && !may.data.has('members.manage')
      ? t('Missing members.manage in {name}. An administrator of it can grant it.', { name })
      : undefined;
  const refresh = () => queries.invalidateQueries({ queryKey: ['members', of] });
  const change = async (user: string, role: string) => {
    try {
      await putMember(of, user, role);
      toast('ok', t('{user} is now {role} of {name}', { user, role: roleWord(role), name }));
    } catch (reason) {
      const problem = problemOf(reason);
      toast('bad', t('Could not change the role of {user}', { user }), sentence(problem));
    }
    await refresh();
  };
  const add = (
    <Button look="primary" icon={Plus} locked={locked} onClick={() => setAdding(true)}>
      {t('Add member')}
    </Button>
  );
  return (
    <>
      <PageHead
        name={`${t('Members')} · ${name}`}
        title={t('Members')}
        actions={add}
        sub={
          'workspace' in of
            ? t('Administrators and viewers of the workspace have the same role in each of its projects.')
            : t('Members of the workspace may be here without being listed.')
        }
      />
      {data === undefined ? (
        <Awaited what={t('members')} error={error} onRetry={() => void refetch()} />
      ) : data.length === 0 ? (
        <Empty icon={Users} title={t('Nobody was added to {name} yet', { name })} actions={add}>
          {t('Administrators of the platform may be here without being members.')}
        </Empty>
      ) : (
        <div className="table-wrap pad-top">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t('User name')}</th>
                <th scope="col" className="opt-m">
                  {t('Name')}
                </th>
                <th scope="col">{t('Role')}</th>
                <th scope="col">
                  <span className="sr">{t('Actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((one) => (
                <tr key={`${one.user}/${one.group ?? ''}/${one.until ?? ''}`}>
                  <td className="strong">{one.user || one.group}</td>
                  <td className="second opt-m">{one.displayName || '–'}</td>
                  <td>
                    {locked || !changeable(one, of) ? (
                      roleWord(one.roleName)
                    ) : (
                      <select
                        className="select auto"
                        aria-label={t('Role of {user}', { user: one.user })}
                        value={one.role}
                        onChange={(event) => void change(one.user, event.target.value)}
                      >
                        {rolesOf(of).map((role) => (
                          <option key={role} value={role}>
                            {roleWord(role)}
                          </option>
                        ))}
                      </select>
                    )}
                  </td>
                  <td className="num">
                    {changeable(one, of) ? (
                      <Button
                        look="quiet"
                        icon={Trash2}
                        locked={locked}
                        label={t('Remove {name}…', { name: one.user })}
                        onClick={() => setRemoving(one)}
                      />
                    ) : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {adding ? <AddMember of={of} name={name} onClose={() => setAdding(false)} onDone={refresh} /> : null}
      {removing ? (
        <RemoveMember
          of={of}
          name={name}
          user={removing.user}
          onClose={() => setRemoving(undefined)}
          onDone={refresh}
        />
      ) : null}
    </>
  );
}

function AddMember({
  of,
  name,
  onClose,
  onDone,
}: {
  of: MembersOf;
  name: string;
  onClose: () => void;
  onDone: () => Promise<void>;
}) {
  const roles = rolesOf(of);
  const [user, setUser] = useState('');
  const [role, setRole] = useState(roles[1]!);
  const { busy, error, clear, send } = useSend((problem) =>
    problem.status === 404 ? t('There is no user {user}.', { user }) : sentence(problem),
  );
  const add = async () => {
    await putMember(of, user.trim(), role);
    await onDone();
    toast('ok', t('{user} is now {role} of {name}', { user: user.trim(), role: roleWord(role), name }));
    onClose();
  };
  return (
    <FormDialog
      title={t('Add member to {name}', { name })}
      verb={t('Add member')}
      busy={busy}
      onSend={() => void send(add)}
      onClose={onClose}
    >
      <TextField
        label={t('User name')}
        autoFocus
        required
        autoCapitalize="none"
        spellCheck={false}
        value={user}
        error={error || undefined}
        onChange={(event) => {
          setUser(event.target.value);
          clear();
        }}
      />
      <SelectField
        label={t('Role')}
        value={role}
        onChange={setRole}
        choices={roles.map((value) => ({ value, label: roleWord(value) }))}
      />
    </FormDialog>
  );
}

function RemoveMember({
  of,
  name,
  user,
  onClose,
  onDone,
}: {
  of: MembersOf;
  name: string;
  user: string;
  onClose: () => void;
  onDone: () => Promise<void>;
}) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await removeMember(of, user);
      toast('ok', t('Removed {user} from {name}', { user, name }));
    } catch (reason) {
      const problem = problemOf(reason);
      toast('bad', t('Could not remove {user}', { user }), sentence(problem));
    }
    await onDone();
    onClose();
  };
  return (
    <ConfirmDialog
      title={t('Remove {user} from {name}?', { user, name })}
      verb={t('Remove member')}
      keep={t('Keep them')}
      busy={busy}
      onConfirm={() => void run()}
      onClose={onClose}
    >
      <p className="second">{t('Their open connections to it end at once. What they made stays.')}</p>
    </ConfirmDialog>
  );
}
