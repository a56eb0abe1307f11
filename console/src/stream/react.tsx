// The live connection for components: one client for the whole tab, its state,
// and Kubernetes lists that live as long as the component that shows them.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';
import { call } from '../api/client';
import { language } from '../words/words';
import { type ConnectionState, StreamClient } from './client';
import { ListWatch, type WatchOptions, type WatchSnapshot } from './watch';

let tab: StreamClient | undefined;

/** The tab's own client, made and tied to the page at first use. */
function tabClient(): StreamClient {
  if (!tab) {
    tab = new StreamClient({ onTrouble: askSession, language });
    tab.followPage();
  }
  return tab;
}

/** Whoever shows the sign-in page learns of a session that is over by this call's 401. */
const askSession = () => void call('/api/v1/sessions/current').catch(() => {});

const Client = createContext<StreamClient | undefined>(undefined);

/** Gives everything below it another client than the tab's own. */
export function StreamProvider({ client, children }: { client: StreamClient; children: ReactNode }) {
  return <Client value={client}>{children}</Client>;
}

export function useStreamClient(): StreamClient {
  return useContext(Client) ?? tabClient();
}

/** The connection's state, and what a "Try now" needs. */
export function useConnectionState(): { state: ConnectionState; nextTry: number; tryNow: () => void } {
  const client = useStreamClient();
  const state = useSyncExternalStore(client.onState, client.state, client.state);
  return { state, nextTry: client.nextTry(), tryNow: client.tryNow };
}

const nothing: WatchSnapshot = { phase: 'loading', items: [], list: {}, asOf: 0, nextTry: 0 };
const never = () => () => {};

/**
 * A Kubernetes list that stays current while the component is there; no list
 * for an undefined path. `retry` starts anew, what is known stays meanwhile.
 */
export function useListWatch(
  path: string | undefined,
  o: Omit<WatchOptions, 'client' | 'path'> = {},
): WatchSnapshot & { retry: () => void } {
  const client = useStreamClient();
  const { key, accept, pageSize, most } = o;
  const live = useMemo(
    () => (path === undefined ? undefined : new ListWatch({ client, path, key, accept, pageSize, most })),
    [client, path, key, accept, pageSize, most],
  );
  useEffect(() => {
    live?.start();
    return live?.stop;
  }, [live]);
  const snapshot = useSyncExternalStore(live?.subscribe ?? never, live?.snapshot ?? (() => nothing), () => nothing);
  return { ...snapshot, retry: live?.start ?? (() => {}) };
}
