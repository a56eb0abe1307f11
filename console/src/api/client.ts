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
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON, or as it is when it is a Blob. */
  body?: unknown;
  accept?: string;
  signal?: AbortSignal;
  /** A 401 is the caller's own matter (signing in, asking who one is). */
  quiet401?: boolean;
};

/** Calls a path and gives the answer. Throws ApiError for every answer above 399 and when there was none. */
export async function send(path: string, o: CallOptions = {}): Promise<Response> {
  const method = o.method ?? 'GET';
  const headers: Record<string, string> = { Accept: o.accept ?? 'application/json', 'Accept-Language': language() };
  let body: BodyInit | undefined;
  if (o.body instanceof Blob) {
    body = o.body;
    headers['Content-Type'] = o.body.type || 'application/octet-stream';
  } else if (o.body !== undefined) {
    body = JSON.stringify(o.body);
    headers['Content-Type'] = 'application/json';
  }
  if (method !== 'GET' && csrf !== '') headers['X-Atoll-CSRF'] = csrf;
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body, signal: o.signal, credentials: 'same-origin' });
  } catch (error) {
    if (o.signal?.aborted) throw error;
    throw new ApiError({ title: 'Atoll did not answer', detail: 'The connection to Atoll is interrupted.' });
  }
  if (answer.ok) return answer;
  const text = await answer.text().catch(() => '');
  const problem = readProblem(text, answer.status);
  const faults = faultsIn(text);
  if (faults) problem.detail = [problem.detail, faults].filter(Boolean).join(' ');
  problem.instance ??= answer.headers.get('X-Request-Id') ?? undefined;
  if (answer.status === 401 && !o.quiet401) onSignedOut?.();
  throw new ApiError(problem);
}

/** What is wrong with a request, one by one, as the core lists it beside the problem. */
function faultsIn(text: string): string {
  const { errors } = (parseJson(text) ?? {}) as { errors?: { message?: string; pointer?: string; parameter?: string }[] };
  if (!Array.isArray(errors)) return '';
  return errors
    .filter((one) => typeof one?.message === 'string')
    .map((one) => `${one.pointer || one.parameter ? `${one.pointer || one.parameter}: ` : ''}${one.message}.`)
    .join(' ');
}

/** Calls a path and reads the answer as JSON; nothing for an empty answer. */
export async function call<T>(path: string, o: CallOptions = {}): Promise<T> {
  const answer = await send(path, o);
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Builds a path from a template tag: every value is encoded, so that no name can change the path. */
export function api(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((path, part, i) => path + encodeURIComponent(values[i - 1] ?? '') + part);
}
