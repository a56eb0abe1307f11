// Sign-in; then, at the first sign-in, the choice of an own password, and a second factor where this Atoll asks for one.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { providers } from '../api/queries';
import { useGo, usePath, useQueryValue } from '../routing/link';
import { paths } from '../routing/paths';
import { t } from '../words/words';
import { EnrolForm } from './enrol-form';
import { directoriesOf, ProviderLinks } from './providers';
import { Sea } from './sea';
import { restore, useSession } from './session';
import { PasswordForm, SignInForm } from './sign-in-form';

/** Only an address of this console may follow a sign-in. */
const safe = (next: string) => (/^\/(?![/\\])/.test(next) ? next : paths.home());

export function SignInPage() {
  const state = useSession();
  const go = useGo();
  const path = usePath();
  const [next] = useQueryValue('next');
  const [password, setPassword] = useState<string>();
  const { data: known = [] } = useQuery(providers());
  const choosing = state.is === 'in' && state.user.mustChangePassword;
  const enrolling = state.is === 'in' && !choosing && state.mustEnrol;
  const inside = state.is === 'in' && !choosing && !enrolling;
  useEffect(() => {
    document.title = `${t('Sign in')} · Atoll`;
  }, []);
  useEffect(() => {
    // On the way to the next page this is still drawn, with the new address: the way is not taken twice.
    if (inside && path === paths.signIn()) go(safe(next), { replace: true });
  }, [inside, path, next, go]);
  return (
    <main className="door">
      <Sea />
      <div className="forms">
        {choosing ? (
          <PasswordForm
            current={password}
            onDone={() => setPassword(undefined)}
            title={t('Set your password')}
            submitLabel={t('Set password and continue')}
          >
            <p className="second">
              {t('This is your first sign-in. The password you were given was for this once; choose your own now.')}
            </p>
          </PasswordForm>
        ) : enrolling ? (
          <EnrolForm password={password} onDone={() => void restore()} />
        ) : (
          <>
            <SignInForm title={t('Sign in')} directories={directoriesOf(known)} onDone={setPassword} />
            {known.some((one) => one.startPath) ? (
              <div className="elsewhere">
                <span className="or">{t('or')}</span>
                <ProviderLinks providers={known} next={safe(next)} />
              </div>
            ) : null}
          </>
        )}
      </div>
    </main>
  );
}
