// A program on this computer, as `atoll login --browser`, asks for a token: shows what it asks for, and confirms or declines.
import { useEffect, useState } from 'react';
import { problemOf } from '../api/problem';
import { done, rest } from '../api/rest';
import { date, readSpan, timeOfDay } from '../format/time';
import { Button } from '../kit/button';
import { Empty } from '../kit/states';
import { StatusShape } from '../kit/status';
import { useQueryValue } from '../routing/link';
import type { Problem } from '../stream';
import { t } from '../words/words';
import { Sea } from './sea';
import { signOut, useUser } from './session';

/** Where a program may wait: on this computer, and written in no other way. The core has the last word. */
const onThisComputer = /^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}(\/[A-Za-z0-9_/-]*)?$/;

export function AuthorizePage() {
  const user = useUser();
  const [name] = useQueryValue('name');
  const [lifetime] = useQueryValue('expiresIn');
  const [reading] = useQueryValue('readOnly');
  const [redirectURI] = useQueryValue('redirectURI');
  const [state] = useQueryValue('state');
  const [codeChallenge] = useQueryValue('codeChallenge');
  const [busy, setBusy] = useState<'confirm' | 'decline'>();
  const [problem, setProblem] = useState<Problem>();
  const expiresIn = lifetime || '720h';
  const lives = readSpan(expiresIn);
  const until = Date.now() + (lives ?? 0);
  const whole = name !== '' && state !== '' && codeChallenge !== '' && lives !== undefined;
  useEffect(() => {
    document.title = `${t('Sign in at the command line')} · Atoll`;
  }, []);
  if (!whole || !onThisComputer.test(redirectURI)) {
    return (
      <Door>
        <Empty title={t('This address is not whole')}>
          {t('It is made by a command such as atoll login --browser. Run the command again and open what it prints.')}
        </Empty>
      </Door>
    );
  }
  const answer = async (which: 'confirm' | 'decline') => {
    if (busy) return;
    setBusy(which);
    setProblem(undefined);
    try {
      const { redirectURL } = await done(
        which === 'confirm'
          ? rest.POST('/api/v1/tokens:authorize', {
              body: { name, expiresIn, readOnly: reading === 'true', redirectURI, state, codeChallenge },
            })
          : rest.POST('/api/v1/tokens:decline', { body: { redirectURI, state } }),
      );
      // Not to be gone back to: the code is good once.
      window.location.replace(redirectURL);
    } catch (reason) {
      setProblem(problemOf(reason));
      setBusy(undefined);
    }
  };
  return (
    <Door>
      <h1>{t('Sign in at the command line?')}</h1>
      <p className="second">{t('A program on this computer asks for an API token of yours.')}</p>
      <dl className="facts">
        <dt>{t('You')}</dt>
        <dd>{user.name}</dd>
        <dt>{t('Token')}</dt>
        <dd>{name}</dd>
        <dt>{t('It may')}</dt>
        <dd>{reading === 'true' ? t('read what you may read') : t('do everything that you may do')}</dd>
        <dt>{t('Until')}</dt>
        <dd>{`${date(until)}, ${timeOfDay(until)}`}</dd>
        <dt>{t('It goes to')}</dt>
        <dd className="mono">{new URL(redirectURI).host}</dd>
      </dl>
      <div className="alert warn">
        <StatusShape shape="warn" />
        <strong>{t('Confirm only what you have begun')}</strong>
        <span className="b">
          {t('If you have not just run a command that brought you here, decline: who has the token acts as you.')}
        </span>
      </div>
      {problem ? (
        <div className="alert bad" role="alert">
          <StatusShape shape="bad" />
          <strong>{problem.title}</strong>
          {problem.detail ? <span className="b">{problem.detail}</span> : null}
        </div>
      ) : null}
      <div className="actions">
        <Button look="primary" busy={busy === 'confirm'} onClick={() => void answer('confirm')}>
          {t('Confirm')}
        </Button>
        <Button busy={busy === 'decline'} onClick={() => void answer('decline')}>
          {t('Decline')}
        </Button>
        <Button look="quiet" onClick={() => void signOut()}>
          {t('Sign in as somebody else')}
        </Button>
      </div>
    </Door>
  );
}

function Door({ children }: { children: React.ReactNode }) {
  return (
    <main className="door">
      <Sea />
      <div className="forms">
        <div className="ask">{children}</div>
      </div>
    </main>
  );
}
