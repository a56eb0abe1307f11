// Setting up a second factor at the sign-in, where this Atoll asks for one: the secret, a code that proves it, and the recovery codes.
import { type FormEvent, useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import { done, rest } from '../api/rest';
import { Button, CopyButton } from '../kit/button';
import { TextField } from '../kit/field';
import { StatusShape } from '../kit/status';
import { t } from '../words/words';

type Made = { secret: string; url: string };

/** `password` is that of a moment ago, where it is still known; it may come a moment late. */
export function EnrolForm({ password = '', onDone }: { password?: string; onDone: () => void }) {
  const [typed, setTyped] = useState<string>();
  const [made, setMade] = useState<Made>();
  const [code, setCode] = useState('');
  const [recovery, setRecovery] = useState<string[]>();
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError('');
    try {
      if (!made) {
        setMade(await done(rest.POST('/api/v1/users/me/second-factor', { body: { password: typed ?? password } })));
        setTyped('');
      } else {
        const confirm = rest.POST('/api/v1/users/me/second-factor:confirm', { body: { code: code.trim() } });
        setRecovery((await done(confirm)).recoveryCodes ?? []);
      }
    } catch (reason) {
      setError(sentence(problemOf(reason)));
      setCode('');
    } finally {
      setBusy(false);
    }
  };
  if (recovery) {
    const all = recovery.join('\n');
    return (
      <div className="ask">
        <h1>{t('Keep your recovery codes')}</h1>
        <p className="second">
          {t(
            'The second factor counts from now on. Each of these stands in for one code, once, when you have lost it.',
          )}
        </p>
        <code className="secret">{all}</code>
        <div className="alert warn">
          <StatusShape shape="warn" />
          <strong>{t('They are shown this once')}</strong>
        </div>
        <div className="actions">
          <Button look="primary" onClick={onDone}>
            {t('I have kept them')}
          </Button>
          <CopyButton text={all}>{t('Copy codes')}</CopyButton>
        </div>
      </div>
    );
  }
  return (
    <form className="ask" onSubmit={submit} aria-label={t('Set up a second factor')}>
      <h1>{t('Set up a second factor')}</h1>
      {made ? (
        <>
          <p className="second">
            {t('Add this secret to an authenticator, or open it there, and type the code that it shows.')}
          </p>
          <code className="secret">{made.secret}</code>
          <div className="actions">
            <CopyButton text={made.secret}>{t('Copy secret')}</CopyButton>
            <a className="btn" href={made.url}>
              {t('Open in an authenticator')}
            </a>
          </div>
          <TextField
            label={t('Code')}
            name="code"
            autoComplete="one-time-code"
            inputMode="numeric"
            pattern="\s*[0-9]{6}\s*"
            required
            autoFocus
            value={code}
            error={error || undefined}
            onChange={(event) => setCode(event.target.value)}
          />
        </>
      ) : (
        <>
          <p className="second">
            {t(
              'This Atoll asks you to have one: besides your password, a code that an authenticator on your phone shows.',
            )}
          </p>
          <TextField
            label={t('Password')}
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={typed ?? password}
            error={error || undefined}
            onChange={(event) => setTyped(event.target.value)}
          />
        </>
      )}
      <div className="actions">
        <Button look="primary" type="submit" busy={busy}>
          {made ? t('Confirm') : t('Go on')}
        </Button>
      </div>
    </form>
  );
}
