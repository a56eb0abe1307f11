// The users of this Atoll; create one with a password that is shown once.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus, Users } from 'lucide-react';
import { useState } from 'react';
import { access, users } from '../api/queries';
import { done, rest } from '../api/rest';
import type { PlatformRole } from '../api/types';
import { readTime } from '../format/time';
import { FormDialog, SecretDialog, useSend } from '../kit/asking';
import { Button } from '../kit/button';
import { SelectField, TextField } from '../kit/field';
import { PageHead } from '../kit/page';
import { Awaited, Empty } from '../kit/states';
import { Status } from '../kit/status';
import { Age } from '../kit/times';
import { toast } from '../kit/toasts';
import { t } from '../words/words';
import { roleWord } from './project-table';

export function UsersPage() {
  const { data, error, refetch } = useQuery(users());
  const may = useQuery(access({}));
  const [creating, setCreating] = useState(false);
  const locked =
    may.data && !may.data.has('users.manage')
      ? t('Missing users.manage on the platform. A platform administrator can grant it.')
      : undefined;
  return (
    <>
      <PageHead
        name={t('Users')}
        title={t('Users')}
        actions={
          <Button look="primary" icon={Plus} locked={locked} onClick={() => setCreating(true)}>
            {t('Create user')}
          </Button>
        }
      />
      {data === undefined ? (
        <Awaited what={t('the users')} error={error} onRetry={() => void refetch()} />
      ) : data.length === 0 ? (
        <Empty icon={Users} title={t('No user yet')} />
      ) : (
        <div className="table-wrap pad-top">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t('User name')}</th>
                <th scope="col" className="opt-m">
                  {t('Name')}
                </th>
                <th scope="col">{t('Status')}</th>
                <th scope="col">{t('Role on the platform')}</th>
                <th scope="col" className="num">
                  {t('Age')}
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((one) => (
                <tr key={one.uid}>
                  <td className="strong">{one.name}</td>
                  <td className="second opt-m">{one.displayName || '–'}</td>
                  <td>
                    {one.disabled ? (
                      <Status tone="idle" shape="end">
                        {t('Disabled')}
                      </Status>
                    ) : one.mustChangePassword ? (
                      <Status tone="idle" shape="wait">
                        {t('Has not signed in')}
                      </Status>
                    ) : (
                      <Status tone="ok" shape="ok">
                        {t('Active')}
                      </Status>
                    )}
                  </td>
                  <td className="second">{(one.platformRoles ?? []).map(roleWord).join(', ') || t('none')}</td>
                  <td className="num second">
                    <Age at={readTime(one.createdAt)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {creating ? <CreateUser onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function CreateUser({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [role, setRole] = useState('');
  const [password, setPassword] = useState('');
  const { busy, error, send } = useSend();
  const queries = useQueryClient();
  const create = async () => {
    const made = await done(
      rest.POST('/api/v1/users', { body: { name: name.trim(), displayName: displayName.trim() || undefined } }),
    );
    if (role)
      await done(
        rest.PUT('/api/v1/users/{name}/roles', {
          params: { path: { name: made.name } },
          body: { platform: [role as PlatformRole] },
        }),
      );
    await queries.invalidateQueries({ queryKey: ['users'] });
    toast('ok', t('Created user {name}', { name: made.name }));
    if (made.generatedPassword) setPassword(made.generatedPassword);
    else onClose();
  };
  if (password) {
    return (
      <SecretDialog
        title={t('Password of {name}', { name })}
        secret={password}
        copy={t('Copy password')}
        warning={t('It is shown this once')}
        onClose={onClose}
      >
        {t('It works for one sign-in; then {name} chooses an own password.', { name })}
      </SecretDialog>
    );
  }
  return (
    <FormDialog
      title={t('Create user')}
      verb={t('Create user')}
      busy={busy}
      onSend={() => void send(create)}
      onClose={onClose}
    >
      <TextField
        label={t('User name')}
        help={t('a–z, 0–9, - and . within. It is never given to somebody else later.')}
        autoFocus
        required
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        error={error || undefined}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        label={t('Name')}
        optional
        value={displayName}
        onChange={(event) => setDisplayName(event.target.value)}
      />
      <SelectField
        label={t('Role on the platform')}
        value={role}
        onChange={setRole}
        help={t('A member sees what is shared with everybody; projects come with their own roles.')}
        choices={[
          { value: '', label: t('none') },
          ...['platform-member', 'platform-operator', 'platform-admin'].map((value) => ({
            value,
            label: roleWord(value),
          })),
        ]}
      />
    </FormDialog>
  );
}
