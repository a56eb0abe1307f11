// API tokens: list, create with the secret shown once, revoke.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound, Plus, Terminal, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import { tokens } from '../api/queries';
import { done, rest } from '../api/rest';
import type { Cluster, NewToken, Token } from '../api/types';
import { readTime } from '../format/time';
import { ConfirmDialog, FormDialog, SecretDialog, useSend } from '../kit/asking';
import { Button } from '../kit/button';
import { SelectField, TextField } from '../kit/field';
import { Menu, MenuItem } from '../kit/menu';
import { Section } from '../kit/page';
import { Empty, Skeleton, Trouble } from '../kit/states';
import { Ago } from '../kit/times';
import { toast } from '../kit/toasts';
import { useScope } from '../shell/scope';
import { t } from '../words/words';
import { Kubeconfig } from './kubeconfig';
import { lifetimes } from './lifetimes';

export function Tokens() {
  const { data, error, refetch } = useQuery(tokens());
  const { clusters } = useScope();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token>();
  const [kubectl, setKubectl] = useState<Cluster>();
  const known = clusters.value?.items ?? [];
  const create = (
    <Button look="primary" icon={Plus} onClick={() => setCreating(true)}>
      {t('Create token…')}
    </Button>
  );
  return (
    <Section
      title={t('API tokens')}
      actions={
        <>
          {known.length === 1 ? (
            <Button icon={Terminal} onClick={() => setKubectl(known[0])}>
              {t('Use kubectl')}
            </Button>
          ) : known.length > 1 ? (
            <Menu trigger={<Button icon={Terminal}>{t('Use kubectl')}</Button>}>
              {known.map((one) => (
                <MenuItem key={one.name} onClick={() => setKubectl(one)}>
                  {one.title || one.name}
                </MenuItem>
              ))}
            </Menu>
          ) : null}
          {create}
        </>
      }
    >
      <p className="second lead">
        {t(
          'A token does what you may do, for programs and the command line. It ends by itself, and at once when you revoke it.',
        )}
      </p>
      {data === undefined ? (
        error ? (
          <Trouble what={t('your tokens')} problem={problemOf(error)} onRetry={() => void refetch()} />
        ) : (
          <Skeleton lines={3} />
        )
      ) : data.length === 0 ? (
        <Empty icon={KeyRound} title={t('You have no API token')} actions={create}>
          {t('Programs sign in with one: Authorization: Bearer atoll_…')}
        </Empty>
      ) : (
        <table className="table plain">
          <thead>
            <tr>
              <th scope="col">{t('Name')}</th>
              <th scope="col" className="opt-m">
                {t('Created')}
              </th>
              <th scope="col">{t('Ends')}</th>
              <th scope="col">
                <span className="sr">{t('Actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((one) => (
              <tr key={one.id}>
                <td className="strong">{one.name}</td>
                <td className="second opt-m">
                  <Ago at={readTime(one.createdAt)} />
                </td>
                <td className="second">
                  <Ago at={readTime(one.expiresAt)} />
                </td>
                <td className="num">
                  <Button
                    look="quiet"
                    icon={Trash2}
                    label={t('Revoke {name}…', { name: one.name })}
                    onClick={() => setRevoking(one)}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {creating ? <CreateToken onClose={() => setCreating(false)} /> : null}
      {revoking ? <RevokeToken token={revoking} onClose={() => setRevoking(undefined)} /> : null}
      {kubectl ? <Kubeconfig cluster={kubectl} onClose={() => setKubectl(undefined)} /> : null}
    </Section>
  );
}

function CreateToken({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [expiresIn, setExpiresIn] = useState('720h');
  const [made, setMade] = useState<NewToken>();
  const { busy, error, send } = useSend();
  const queries = useQueryClient();
  const create = async () => {
    setMade(await done(rest.POST('/api/v1/tokens', { body: { name: name.trim(), expiresIn } })));
    await queries.invalidateQueries({ queryKey: ['tokens'] });
  };
  if (made) {
    return (
      <SecretDialog
        title={t('Token {name}', { name: made.name })}
        secret={made.token}
        copy={t('Copy token')}
        warning={t('The secret is shown this once')}
        onClose={onClose}
      >
        {t('Atoll keeps only a hash of it. Put it where your program reads it.')}
      </SecretDialog>
    );
  }
  return (
    <FormDialog
      title={t('Create API token')}
      verb={t('Create token')}
      busy={busy}
      onSend={() => void send(create)}
      onClose={onClose}
    >
      <TextField
        label={t('Name')}
        help={t('What it is for: "laptop", "ci".')}
        autoFocus
        required
        maxLength={128}
        value={name}
        error={error || undefined}
        onChange={(event) => setName(event.target.value)}
      />
      <SelectField label={t('Ends after')} value={expiresIn} onChange={setExpiresIn} choices={lifetimes()} />
    </FormDialog>
  );
}

function RevokeToken({ token, onClose }: { token: Token; onClose: () => void }) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await done(rest.DELETE('/api/v1/tokens/{id}', { params: { path: { id: token.id } } }));
      await queries.invalidateQueries({ queryKey: ['tokens'] });
      toast('ok', t('Revoked token {name}', { name: token.name }));
    } catch (reason) {
      const problem = problemOf(reason);
      toast('bad', t('Could not revoke token {name}', { name: token.name }), sentence(problem));
    }
    onClose();
  };
  return (
    <ConfirmDialog
      title={t('Revoke token {name}?', { name: token.name })}
      verb={t('Revoke token')}
      keep={t('Keep it')}
      busy={busy}
      onConfirm={() => void run()}
      onClose={onClose}
    >
      <p className="second">{t('Programs that use it are refused from now on, and their open connections end.')}</p>
    </ConfirmDialog>
  );
}
