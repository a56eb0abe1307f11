// The frame of every page: top bar, navigation, and the page laid on it like a sheet.
import { Outlet } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { Button } from '../kit/button';
import { useGo } from '../routing/link';
import { paths } from '../routing/paths';
import { probe } from '../session/session';
import { useConnectionState } from '../stream';
import { t } from '../words/words';
import { KeyHelp } from './key-help';
import { useKeys } from './keys';
import { Nav } from './nav';
import { ScopeProvider, safeMode, useScope } from './scope';
import { TopBar } from './top-bar';

const Palette = lazy(() => import('./palette'));

export function Shell() {
  return (
    <ScopeProvider>
      <Frame />
    </ScopeProvider>
  );
}

function Frame() {
  const [nav, setNav] = useState(false);
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const { place, contributions } = useScope();
  const go = useGo();
  const handlers = useMemo(() => {
    const inProject = (path: (at: { cluster: string; project: string }) => string) => () =>
      place?.area === 'project' ? go(path(place)) : false;
    const logs = contributions.find((one) => one.extension === 'logging' && one.slot === 'nav.project');
    return {
      'mod+k': () => setPalette((open) => !open),
      '?': () => setHelp(true),
      'g o': inProject(paths.overview),
      'g p': inProject((at) => paths.list(at, 'pods')),
      'g d': inProject((at) => paths.list(at, 'deployments')),
      'g l': () => (logs && place ? go(paths.extension(place, logs.extension, logs.route ?? '/')) : false),
      'g e': () => go(paths.extensions()),
    };
  }, [place, contributions, go]);
  useKeys(handlers);
  return (
    <div className="app">
      <a className="skip" href="#page">
        {t('Skip to the page')}
      </a>
      <TopBar onNav={() => setNav((open) => !open)} onPalette={() => setPalette(true)} onHelp={() => setHelp(true)} />
      <Nav open={nav} onClose={() => setNav(false)} />
      <main className="page" id="page" tabIndex={-1}>
        <Away />
        {safeMode() ? (
          <div className="banner info">
            <b className="strong">{t('Safe mode.')}</b> {t('No extension is loaded.')}
            <a className="right" href={window.location.pathname}>
              {t('Leave safe mode')}
            </a>
          </div>
        ) : null}
        <Outlet />
      </main>
      {palette ? (
        <Suspense>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      ) : null}
      <KeyHelp open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

/** Says that the browser has no network, or that Atoll does not answer; what is on screen stays. */
function Away() {
  const { state, tryNow } = useConnectionState();
  // Perhaps it is not the connection but the session that ended.
  useEffect(() => {
    if (state === 'reconnecting') void probe();
  }, [state]);
  if (state === 'live') return null;
  return (
    <div className="banner idle" role="status">
      {state === 'offline'
        ? t('This browser is offline. What you see is as of the last moment of contact.')
        : t('The connection to Atoll is interrupted. Trying again.')}
      <Button look="link" className="right" onClick={tryNow}>
        {t('Try now')}
      </Button>
    </div>
  );
}
