// The words spoken on the one WebSocket of a tab: what we send, and a total
// reader for what comes back. Anything that is not one of the known messages
// reads as undefined and is ignored, so a broken or hostile peer cannot throw.

/** What the core says when something failed (RFC 9457), as far as it could be read. */
export interface Problem {
  title: string;
  status?: number;
  detail?: string;
  type?: string;
  /** The request id. */
  instance?: string;
  /** The permission that was missing, of a denial. */
  missing?: { permission: string; scope?: string };
  /** The rule that a fragment broke and where, of a broken fragment. */
  rule?: string;
  pointer?: string;
  extension?: string;
  version?: string;
  /** How a request to an extension failed, and of `breaker` the class of the last fault before it. */
  class?: string;
  cause?: string;
  /** After how many seconds it is worth asking again. */
  retryAfter?: number;
}

export type ClientMessage =
  | { type: 'open'; id: number; path: string; accept: string; language?: string; credit: number }
  | { type: 'credit'; id: number; bytes: number }
  | { type: 'close'; id: number };

export type ServerMessage =
  | { type: 'head'; id: number; status: number; contentType: string }
  | { type: 'data'; id: number; text: string }
  | { type: 'end'; id: number; problem?: Problem };

/** A message longer than this (in UTF-16 units) is not read at all. */
export const maxMessage = 4 << 20;

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

const short = (v: unknown, most = 2000): string | undefined =>
  typeof v === 'string' && v !== '' ? v.slice(0, most) : undefined;

/** Reads a value as JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads one message of the server; undefined for everything that is none. */
export function readServerMessage(raw: unknown): ServerMessage | undefined {
  if (typeof raw !== 'string' || raw.length > maxMessage) return undefined;
  const m = parseJson(raw);
  if (!isRecord(m) || typeof m.id !== 'number' || !Number.isSafeInteger(m.id)) return undefined;
  const id = m.id;
  switch (m.type) {
    case 'head':
      return typeof m.status === 'number' && Number.isInteger(m.status)
        ? { type: 'head', id, status: m.status, contentType: short(m.contentType) ?? '' }
        : undefined;
    case 'data':
      return typeof m.text === 'string' ? { type: 'data', id, text: m.text } : undefined;
    case 'end':
      return m.problem === undefined || m.problem === null
        ? { type: 'end', id }
        : { type: 'end', id, problem: readProblem(m.problem) };
    default:
      return undefined;
  }
}

/** The longest that a peer may have us wait before we ask again, in seconds. */
const longestWait = 3600;

/** Reads a problem from anything; what cannot be read becomes a problem that says so. */
export function readProblem(raw: unknown, status?: number): Problem {
  const given = typeof raw === 'string' ? parseJson(raw) : raw;
  if (!isRecord(given)) return { title: statusTitle(status), ...(status ? { status } : {}) };
  const code = typeof given.status === 'number' ? given.status : typeof given.code === 'number' ? given.code : status;
  const p: Problem = { title: short(given.title) ?? short(given.reason) ?? statusTitle(code) };
  if (code !== undefined && Number.isInteger(code)) p.status = code;
  // A Kubernetes Status says with `message` what a problem says with `detail`.
  const detail = short(given.detail) ?? short(given.message);
  if (detail) p.detail = detail;
  for (const name of ['type', 'instance', 'rule', 'extension', 'version', 'class', 'cause'] as const) {
    const v = short(given[name]);
    if (v) p[name] = v;
  }
  const after = given.retryAfter;
  if (typeof after === 'number' && after > 0) p.retryAfter = Math.min(after, longestWait);
  if (typeof given.pointer === 'string') p.pointer = given.pointer.slice(0, 2000);
  // Of many broken rules the first is told; the others often follow from it.
  const first: unknown = Array.isArray(given.violations) ? given.violations[0] : undefined;
  if (isRecord(first)) {
    p.rule = short(first.rule) ?? 'unknown';
    if (typeof first.pointer === 'string') p.pointer = first.pointer.slice(0, 2000);
    const message = short(first.message);
    if (message) p.detail = message;
  }
  if (isRecord(given.missing)) {
    const permission = short(given.missing.permission);
    const scope = readScope(given.missing.scope);
    if (permission) p.missing = scope ? { permission, scope } : { permission };
  }
  return p;
}

/** A scope in words, whether it was sent as a sentence or as its parts. */
function readScope(raw: unknown): string | undefined {
  if (typeof raw === 'string') return short(raw);
  if (!isRecord(raw)) return undefined;
  const part = (name: string) => short(raw[name]) ?? short(raw[name.charAt(0).toUpperCase() + name.slice(1)]);
  const project = part('project');
  const workspace = part('workspace');
  const cluster = part('cluster');
  if (project) return cluster ? `project ${project} on ${cluster}` : `project ${project}`;
  if (workspace) return `workspace ${workspace}`;
  return cluster ? `cluster ${cluster}` : undefined;
}

function statusTitle(status?: number): string {
  switch (status) {
    case 401:
      return 'You are signed out';
    case 403:
      return 'You may not read this';
    case 404:
      return 'Not found';
    case 410:
      return 'Too old';
    case 429:
      return 'Too many requests';
    case 503:
      return 'Not reachable now';
    default:
      return status === undefined ? 'The answer could not be read' : `The answer was ${status}`;
  }
}

const utf8 = new TextEncoder();
const scratch = new Uint8Array(1 << 16);

/** How many bytes a text has in UTF-8: what credit is counted in. */
export function utf8Bytes(text: string): number {
  // encodeInto a reused buffer: counts at native speed and allocates nothing.
  let bytes = 0;
  for (let at = 0; at < text.length; ) {
    const piece = at === 0 && text.length * 3 <= scratch.length ? text : text.slice(at, at + 20000);
    const { read, written } = utf8.encodeInto(piece, scratch);
    bytes += written;
    at += read || piece.length;
  }
  return bytes;
}
