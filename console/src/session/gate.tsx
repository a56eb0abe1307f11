// Lets in who is signed in. When a session ends, what is on screen stays and the person signs in over it.
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { providers } from '../api/queries';
import type { User } from '../api/types';
import { Button } from '../kit/button';
import { Dialog } from '../kit/dialog';
import { Mark } from '../kit/icon';
import { Failed, Refused, usePatience } from '../kit/states';
import { useGo, usePath } from '../routing/link';
import { paths } from '../routing/paths';
import { t } from '../words/words';
import { ProviderLinks } from './providers';
import { probe, restore, signOut, useSession } from './session';
import { SignInForm } from './sign-in-form';

const ask = () => void probe();

export function Gate({ children }: { children: ReactNode }) {
  const state = useSession();
  const path = usePath();
  const go = useGo();
  const out = state.is === 'out' || (state.is === 'in' && (state.user.mustChangePassword || state.mustEnrol));
  useEffect(() => {
    // On the way to the sign-in page this is still drawn, with the new address: that is nothing to come back to.
    if (out && path !== paths.signIn()) go(paths.signIn(path + window.location.search), { replace: true });
  }, [out, path, go]);
  if (state.is === 'unreachable') {
    return (
      <main className="lone">
        <Failed title={t('Atoll does not answer')} problem={{ title: state.message }} onRetry={() => void restore()} />
      </main>
    );
  }
  if (state.is === 'asking' || out) return <Waiting />;
  return (
    <>
      <Refused key={state.times} value={ask}>
        {children}
      </Refused>
      <Dialog
        open={state.is === 'expired'}
        onClose={() => undefined}
        firm
        title={t('Your session ended')}
        sub={t('Sign in again to go on. What is on screen stays as it was.')}
        footer={
          <Button look="quiet" onClick={() => void signOut()}>
            {t('Sign in as somebody else')}
          </Button>
        }
      >
        {state.is === 'expired' ? <Again user={state.user} next={path + window.location.search} /> : null}
      </Dialog>
    </>
  );
}

/** Somebody signs in again as they did before. */
function Again({ user, next }: { user: User; next: string }) {
  const elsewhere = user.provider !== '';
  const { data: known = [], isPending } = useQuery({ ...providers(), enabled: elsewhere });
  if (elsewhere && isPending) return null;
  const own = known.filter((one) => one.name === user.provider);
  if (own.some((one) => one.startPath)) return <ProviderLinks providers={own} next={next} />;
  return <SignInForm name={user.name} provider={user.provider} onDone={() => undefined} />;
}

function Waiting() {
  const late = usePatience();
  return (
    <main className="lone" aria-busy="true">
      {late ? <Mark className="lone-mark" /> : null}
      <span className="sr">{t('Loading')}</span>
    </main>
  );
}
