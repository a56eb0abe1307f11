// Name and password, and a code where there is a second factor; and, where the core asks for it, the choice of an own password.
import { type FormEvent, useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import type { Provider } from '../api/types';
import { Button } from '../kit/button';
import { SelectField, TextField } from '../kit/field';
import { StatusShape } from '../kit/status';
import { t } from '../words/words';
import { changePassword, signIn } from './session';

/** The type of the problem that asks for a code. */
const codeIsNeeded = 'urn:atoll:problem:second-factor';

/**
 * Asks for name and password, and then for a code where there is a second factor. `name` is given when the session of a known person ended,
 * with the `provider` that proved them. `directories` are those who know passwords besides Atoll; they take an
 * `invitation` with the sign-in.
 */
export function SignInForm({
  name,
  provider = '',
  directories = [],
  invitation,
  onDone,
  title,
}: {
  name?: string;
  provider?: string;
  directories?: Provider[];
  invitation?: string;
  onDone: (password: string) => void;
  title?: string;
}) {
  const [user, setUser] = useState(name ?? '');
  const [password, setPassword] = useState('');
  const [knower, setKnower] = useState(provider);
  const [coded, setCoded] = useState(false);
  const [code, setCode] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError('');
    try {
      await signIn({
        username: user.trim(),
        password,
        ...(knower ? { provider: knower, invitation } : {}),
        ...(coded ? { code: code.trim() } : {}),
      });
      onDone(password);
    } catch (reason) {
      const problem = problemOf(reason);
      setCode('');
      if (problem.type === codeIsNeeded) {
        setCoded(true);
        return;
      }
      setError(problem.status === 401 ? (problem.detail ?? t('User name or password is wrong.')) : sentence(problem));
      if (!coded) setPassword('');
    } finally {
      setBusy(false);
    }
  };
  const another = () => {
    setCoded(false);
    setPassword('');
    setError('');
  };
  return (
    <form onSubmit={submit} aria-label={t('Sign in')}>
      {title ? <h1>{title}</h1> : null}
      {coded ? (
        <>
          <p className="second">
            {t('{name} has a second factor: type the code that your authenticator shows, or a recovery code.', {
              name: user.trim(),
            })}
          </p>
          <TextField
            label={t('Code')}
            name="code"
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellCheck={false}
            minLength={6}
            maxLength={32}
            required
            autoFocus
            value={code}
            error={error || undefined}
            onChange={(event) => setCode(event.target.value)}
          />
        </>
      ) : (
        <>
          {directories.length > 0 ? (
            <SelectField
              label={t('Account')}
              value={knower}
              onChange={setKnower}
              choices={[
                { value: '', label: 'Atoll' },
                ...directories.map((one) => ({ value: one.name, label: one.title })),
              ]}
            />
          ) : null}
          <TextField
            label={t('User name')}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus={!name}
            readOnly={name !== undefined}
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
          <TextField
            label={t('Password')}
            name="password"
            type="password"
            autoComplete="current-password"
            required
            autoFocus={name !== undefined}
            value={password}
            error={error || undefined}
            onChange={(event) => setPassword(event.target.value)}
          />
        </>
      )}
      <Button look="primary" type="submit" busy={busy}>
        {t('Sign in')}
      </Button>
      {coded ? (
        <Button look="quiet" onClick={another}>
          {t('Back')}
        </Button>
      ) : null}
    </form>
  );
}

/** The shortest password the console lets a person choose; the core has the last word. */
export const shortest = 12;

/** Asks for a new password of one's own. `current` is the password of a moment ago, where it is still known. */
export function PasswordForm({
  current,
  onDone,
  title,
  children,
  submitLabel,
}: {
  current?: string;
  onDone: () => void;
  title?: string;
  children?: React.ReactNode;
  submitLabel: string;
}) {
  const [old, setOld] = useState('');
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const [error, setError] = useState<{ at: 'old' | 'first' | 'second'; text: string }>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    if (first.length < shortest)
      return setError({
        at: 'first',
        text: t('{n} characters are too few; {least} or more are needed.', { n: first.length, least: shortest }),
      });
    if (first !== second) return setError({ at: 'second', text: t('The two passwords differ.') });
    setError(undefined);
    setBusy(true);
    try {
      await changePassword(current ?? old, first);
      setOld('');
      setFirst('');
      setSecond('');
      onDone();
    } catch (reason) {
      const problem = problemOf(reason);
      const wrong = problem.status === 401 || problem.status === 403;
      setError({ at: current === undefined && wrong ? 'old' : 'first', text: sentence(problem) });
    } finally {
      setBusy(false);
    }
  };
  const help =
    first.length === 0 ? (
      t('At least {least} characters. Long is better than odd.', { least: shortest })
    ) : (
      <>
        <StatusShape
          shape={first.length < shortest ? 'wait' : 'done'}
          className={`sm ${first.length < shortest ? 'idle' : 'ok'}`}
        />{' '}
        {t('{n, plural, one {# character} other {# characters}}. Long is better than odd.', { n: first.length })}
      </>
    );
  return (
    <form onSubmit={submit} className="form" aria-label={t('Set your password')}>
      {title ? <h1>{title}</h1> : null}
      {children}
      {current === undefined ? (
        <TextField
          label={t('Current password')}
          type="password"
          autoComplete="current-password"
          required
          value={old}
          error={error?.at === 'old' ? error.text : undefined}
          onChange={(event) => setOld(event.target.value)}
        />
      ) : null}
      <TextField
        label={t('New password')}
        type="password"
        autoComplete="new-password"
        required
        autoFocus={current !== undefined}
        value={first}
        help={help}
        error={error?.at === 'first' ? error.text : undefined}
        onChange={(event) => setFirst(event.target.value)}
      />
      <TextField
        label={t('Once more')}
        type="password"
        autoComplete="new-password"
        required
        value={second}
        error={error?.at === 'second' ? error.text : undefined}
        onChange={(event) => setSecond(event.target.value)}
      />
      <div className="actions">
        <Button look="primary" type="submit" busy={busy}>
          {submitLabel}
        </Button>
      </div>
    </form>
  );
}
