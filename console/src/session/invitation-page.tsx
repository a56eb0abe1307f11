// An invitation: what it is to, and the ways to accept it. Its token stands behind the # of the address, which no server is sent.
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { problemOf } from '../api/problem';
import { providers } from '../api/queries';
import { done, rest } from '../api/rest';
import type { Invitation } from '../api/types';
import { date, readTime, timeOfDay } from '../format/time';
import { useSend } from '../kit/asking';
import { Button } from '../kit/button';
import { TextField } from '../kit/field';
import { Empty, Failed, Skeleton } from '../kit/states';
import { StatusShape } from '../kit/status';
import { toast } from '../kit/toasts';
import { useGo } from '../routing/link';
import { paths } from '../routing/paths';
import { roleWord } from '../tenancy/project-table';
import { t } from '../words/words';
import { directoriesOf, ProviderLinks } from './providers';
import { Sea } from './sea';
import { session, signIn, signOut, useSession } from './session';
import { SignInForm, shortest } from './sign-in-form';

export function InvitationPage() {
  const [token] = useState(() => window.location.hash.slice(1));
  const { data, error, refetch } = useQuery({
    queryKey: ['invitation', token],
    queryFn: ({ signal }) => done(rest.POST('/api/v1/invitations:read', { body: { token }, signal })),
    enabled: token !== '',
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    document.title = `${t('Invitation')} · Atoll`;
  }, []);
  const problem = error ? problemOf(error) : undefined;
  return (
    <main className="door">
      <Sea />
      <div className="forms">
        <div className="ask">
          {token === '' || problem?.status === 404 || problem?.status === 422 ? (
            <Empty title={t('This is no invitation, or it is not good any more')}>
              {t(
                'It was accepted or revoked, or is over, or the address is not whole. Ask who has invited you for another one.',
              )}
            </Empty>
          ) : problem ? (
            <Failed title={t('Could not read the invitation')} problem={problem} onRetry={() => void refetch()} />
          ) : data === undefined ? (
            <Skeleton lines={4} />
          ) : (
            <Invited invitation={data} token={token} />
          )}
        </div>
      </div>
    </main>
  );
}

/** Where an invitation is to, in words. */
const whereTo = (to: Invitation): string =>
  to.project
    ? t('project {name}', { name: `${to.cluster}/${to.project}` })
    : to.workspace
      ? t('workspace {name}', { name: to.workspace })
      : t('the platform');

function Invited({ invitation, token }: { invitation: Invitation; token: string }) {
  const state = useSession();
  const go = useGo();
  const until = readTime(invitation.expiresAt);
  const arrive = () => {
    toast('ok', t('Accepted the invitation'));
    const { workspace, cluster, project } = invitation;
    go(
      cluster && project ? paths.overview({ cluster, project }) : workspace ? paths.workspace(workspace) : paths.home(),
      { replace: true },
    );
  };
  return (
    <>
      <h1>{t('You are invited')}</h1>
      <dl className="facts">
        <dt>{t('To')}</dt>
        <dd>{whereTo(invitation)}</dd>
        <dt>{t('Role')}</dt>
        <dd>{roleWord(invitation.roleName)}</dd>
        <dt>{t('By')}</dt>
        <dd>{invitation.invitedBy}</dd>
        {invitation.note ? (
          <>
            <dt>{t('Note')}</dt>
            <dd>{invitation.note}</dd>
          </>
        ) : null}
        <dt>{t('Until')}</dt>
        <dd>{until === undefined ? '–' : `${date(until)}, ${timeOfDay(until)}`}</dd>
      </dl>
      {state.is === 'in' ? (
        <Accept name={state.user.name} token={token} onDone={arrive} />
      ) : state.is === 'asking' ? (
        <Skeleton lines={1} />
      ) : (
        <Newcomer token={token} onDone={arrive} />
      )}
    </>
  );
}

/** Accepts it for who is signed in. */
function Accept({ name, token, onDone }: { name: string; token: string; onDone: () => void }) {
  const { busy, error, send } = useSend();
  const accept = async () => {
    await done(rest.POST('/api/v1/invitations:accept', { body: { token } }));
    onDone();
  };
  return (
    <>
      {error ? <Wrong>{error}</Wrong> : null}
      <div className="actions">
        <Button look="primary" busy={busy} onClick={() => void send(accept)}>
          {t('Accept as {name}', { name })}
        </Button>
        <Button look="quiet" onClick={() => void signOut()}>
          {t('Accept as somebody else')}
        </Button>
      </div>
    </>
  );
}

const Wrong = ({ children }: { children: ReactNode }) => (
  <div className="alert bad" role="alert">
    <StatusShape shape="bad" />
    <span className="b">{children}</span>
  </div>
);

/** Who is not signed in: makes an account, or signs in with the one that they have. */
function Newcomer({ token, onDone }: { token: string; onDone: () => void }) {
  const [has, setHas] = useState(false);
  const { data: known = [] } = useQuery(providers());
  // A provider takes the invitation with the sign-in; for an account of Atoll's own the next step asks.
  return (
    <>
      {has ? (
        <SignInForm
          invitation={token}
          directories={directoriesOf(known)}
          onDone={() => {
            const now = session();
            if (now.is === 'in' && now.user.provider !== '') onDone();
          }}
        />
      ) : (
        <Register token={token} onDone={onDone} />
      )}
      <div className="elsewhere">
        <span className="or">{t('or')}</span>
        <ProviderLinks providers={known} next={paths.home()} invitation={token} />
        <Button onClick={() => setHas(!has)}>
          {has ? t('Make an account') : t('Sign in with an account you have')}
        </Button>
      </div>
    </>
  );
}

/** Makes an account with a password of Atoll's own. */
function Register({ token, onDone }: { token: string; onDone: () => void }) {
  const [username, setUsername] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [password, setPassword] = useState('');
  const { busy, error, send } = useSend();
  const register = async () => {
    const name = username.trim();
    const body = {
      token,
      username: name,
      password,
      ...(displayName.trim() ? { displayName: displayName.trim() } : {}),
    };
    await done(rest.POST('/api/v1/invitations:register', { body }));
    await signIn({ username: name, password });
    onDone();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send(register);
  };
  return (
    <form onSubmit={submit} aria-label={t('Make an account')}>
      <TextField
        label={t('User name')}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        maxLength={63}
        value={username}
        onChange={(event) => setUsername(event.target.value)}
      />
      <TextField
        label={t('Name')}
        name="name"
        autoComplete="name"
        optional
        maxLength={120}
        value={displayName}
        onChange={(event) => setDisplayName(event.target.value)}
      />
      <TextField
        label={t('Password')}
        name="password"
        type="password"
        autoComplete="new-password"
        required
        minLength={shortest}
        maxLength={256}
        help={t('At least {least} characters. Long is better than odd.', { least: shortest })}
        value={password}
        error={error || undefined}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button look="primary" type="submit" busy={busy}>
        {t('Accept with a new account')}
      </Button>
    </form>
  );
}
