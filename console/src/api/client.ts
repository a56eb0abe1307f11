// The one way to call Atoll: same origin, cookie session, CSRF header on what changes something, errors as ApiError.
import { parseJson, readProblem } from '../stream';
import { language } from '../words/words';
import { ApiError } from './problem';

let csrf = '';
let onSignedOut: (() => void) | undefined;

/** Keeps the session's CSRF token for the calls to come; it is in memory only. */
export function keepCsrf(token: string): void {
  csrf = token;
}

/** Names who is told when a call was refused because nobody is signed in. */
export function whenSignedOut(tell: () => void): void {
  onSignedOut = tell;
}

export type CallOptions = {
  accept?: string;
  signal?: AbortSignal;
  /** Sent with POST, as the file that it is. */
  file?: Blob;
};

/** Asks a path whose answer no generated type knows (Kubernetes, fragments, files) and reads it as JSON. */
export async function call<T>(path: string, o: CallOptions = {}): Promise<T> {
  const headers = new Headers({ Accept: o.accept ?? 'application/json' });
  if (o.file) headers.set('Content-Type', o.file.type);
  const init: RequestInit = o.file ? { method: 'POST', body: o.file } : {};
  const answer = await exchange(
    new Request(new URL(path, window.location.origin), { ...init, headers, signal: o.signal }),
  );
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Where a 401 says that a password was wrong, or that nobody has signed in yet, and not that a session ended. */
const aboutSessions = /^\/api\/v1\/(sessions|info|users\/me:changePassword)/;

/** Sends a request and gives the answer. Throws ApiError for every answer above 399 and when there was none. */
export async function exchange(request: Request): Promise<Response> {
  request.headers.set('Accept-Language', language());
  if (request.method !== 'GET' && csrf !== '') request.headers.set('X-Atoll-CSRF', csrf);
  let answer: Response;
  try {
    answer = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ApiError({ title: 'Atoll did not answer', detail: 'The connection to Atoll is interrupted.' });
  }
  if (answer.ok) return answer;
  const text = await answer.text().catch(() => '');
  const problem = readProblem(text, answer.status);
  const faults = faultsIn(text);
  if (faults) problem.detail = [problem.detail, faults].filter(Boolean).join(' ');
  problem.instance ??= answer.headers.get('X-Request-Id') ?? undefined;
  if (answer.status === 401 && !aboutSessions.test(new URL(request.url).pathname)) onSignedOut?.();
  throw new ApiError(problem);
}

/** What is wrong with a request, one by one, as the core lists it beside the problem. */
function faultsIn(text: string): string {
  const { errors } = (parseJson(text) ?? {}) as {
    errors?: { message?: string; pointer?: string; parameter?: string }[];
  };
  if (!Array.isArray(errors)) return '';
  return errors
    .filter((one) => typeof one?.message === 'string')
    .map((one) => `${one.pointer || one.parameter ? `${one.pointer || one.parameter}: ` : ''}${one.message}.`)
    .join(' ');
}

/** Builds a path from a template tag: every value is encoded, so that no name can change the path. */
export function api(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((path, part, i) => path + encodeURIComponent(values[i - 1] ?? '') + part);
}
