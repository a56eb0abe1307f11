// Who is signed in, for the whole tab. Asked once at the start; kept in memory, with the CSRF token.
import { useSyncExternalStore } from 'react';
import { keepCsrf, whenSignedOut } from '../api/client';
import { ApiError } from '../api/problem';
import { done, rest } from '../api/rest';
import type { SessionInfo, User } from '../api/types';

/**
 * asking: not known yet. out: nobody. in: somebody, who may have to set up a second factor before anything else. expired: somebody was, what is on screen stays until they sign in again.
 * unreachable: Atoll did not answer.
 */
export type SessionState =
  | { is: 'asking' }
  | { is: 'out' }
  | { is: 'unreachable'; message: string }
  | { is: 'in'; user: User; times: number; mustEnrol: boolean }
  | { is: 'expired'; user: User; times: number };

let state: SessionState = { is: 'asking' };
/** How often somebody has signed in here: what was refused meanwhile is asked anew. */
let times = 0;
const listeners = new Set<() => void>();

function set(next: SessionState) {
  state = next;
  for (const listener of listeners) listener();
}

function enter(session: SessionInfo) {
  keepCsrf(session.csrfToken);
  times++;
  set({ is: 'in', user: session.user, times, mustEnrol: session.mustEnrolSecondFactor });
}

whenSignedOut(() => {
  if (state.is === 'in') set({ is: 'expired', user: state.user, times: state.times });
});

/** The state of the session now. */
export const session = (): SessionState => state;

/** The state of the session for a component. */
export function useSession(): SessionState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, session);
}

/** The person who is signed in; only below the gate that makes sure that somebody is. */
export function useUser(): User {
  const now = useSession();
  if (now.is === 'in' || now.is === 'expired') return now.user;
  throw new Error('useUser outside of a session');
}

/** Whether the person has the given role on the platform. */
export const hasPlatformRole = (user: User, ...roles: string[]): boolean =>
  (user.platformRoles ?? []).some((role) => roles.includes(role));

/** Asks the core who is signed in. */
export async function restore(): Promise<void> {
  try {
    enter(await done(rest.GET('/api/v1/sessions/current')));
  } catch (error) {
    if (error instanceof ApiError && error.status !== undefined && error.status < 500) set({ is: 'out' });
    else set({ is: 'unreachable', message: error instanceof Error ? error.message : '' });
  }
}

/** Asks whether the session still holds: what the stream was refused says no more than that it was. */
export async function probe(): Promise<void> {
  if (state.is !== 'in') return;
  // The answer matters only when it is a 401, and the client tells that to whom it concerns.
  await done(rest.GET('/api/v1/users/me')).catch(() => undefined);
}

/** What a person shows: `provider` knows the password where Atoll does not, and takes an invitation; `code` is of the second factor. */
export type Proof = { username: string; password: string; provider?: string; invitation?: string; code?: string };

/** Signs in; throws ApiError with the core's reason. */
export async function signIn(proof: Proof): Promise<void> {
  enter(await done(rest.POST('/api/v1/sessions', { body: proof })));
}

/** Ends the session here and in the core. */
export async function signOut(): Promise<void> {
  try {
    await done(rest.DELETE('/api/v1/sessions/current'));
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
  keepCsrf('');
  set({ is: 'out' });
}

/** Changes the own password; the other sessions of this person end. */
export async function changePassword(current: string, next: string): Promise<void> {
  await done(rest.POST('/api/v1/users/me:changePassword', { body: { current, next } }));
  await restore();
}
