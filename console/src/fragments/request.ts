// What a data source asks for: the paths of the extension's own routes and of
// Kubernetes through the extension, built from context, filter and data.
import type { ExtSource, K8sSource, Source } from '../../../sdk/fragment/fragment';
import { type Env, isRecord, readValue } from './env';
import { encode, fill } from './link';

/** What is asked, and how it stays current. */
export interface Request {
  /** A path of our own origin with its query. */
  path: string;
  mode: 'once' | 'poll' | 'watch' | 'append';
  /** Of poll, in seconds. */
  seconds: number;
  /** Of append: how many are kept. */
  cap: number;
  /** Of watch: relative pointer to what tells two objects apart. */
  key: string;
  /** Of watch: one object instead of a list. */
  single: boolean;
}

/** Why nothing can be asked: something is not known yet, or the source makes no sense. */
export type NoRequest = { waits: true } | { broken: string };

const whole = (v: unknown, least: number, most: number, otherwise: number): number =>
  typeof v === 'number' && Number.isFinite(v) ? Math.min(most, Math.max(least, Math.floor(v))) : otherwise;

/** The request of a source now. */
export function requestOf(source: unknown, extension: string, env: Env): Request | NoRequest {
  if (!isRecord(source)) return { broken: 'A data source is an object' };
  const live = isRecord((source as unknown as Source).live)
    ? ((source as unknown as Source).live as unknown as Record<string, unknown>)
    : undefined;
  const mode = live?.mode === 'poll' || live?.mode === 'watch' || live?.mode === 'append' ? live.mode : 'once';
  const shape = {
    mode,
    seconds: whole(live?.seconds, 2, 3600, 10),
    cap: whole(live?.cap, 100, 50_000, 10_000),
    key: typeof live?.key === 'string' ? live.key : 'metadata/uid',
    single: false,
  } as const;
  if (source.from === 'ext') {
    if (mode === 'watch') return { broken: 'Only k8s sources can be watched' };
    return ownRoute(source as unknown as ExtSource, extension, env, shape);
  }
  if (source.from === 'k8s') {
    if (mode === 'append') return { broken: 'Only ext sources can be appended' };
    return kubernetes(source as unknown as K8sSource, extension, env, shape);
  }
  return { broken: `A data source is from ext or k8s` };
}

function ownRoute(s: ExtSource, extension: string, env: Env, shape: Omit<Request, 'path'>): Request | NoRequest {
  if (typeof s.path !== 'string' || !/^\/[!-~]*$/.test(s.path) || /[?#\\]/.test(s.path))
    return { broken: 'The path of a source begins with a slash' };
  const path = fill(s.path, env, (name, e) => (Object.hasOwn(e.context, name) ? e.context[name] : undefined));
  if (path === undefined) return { waits: true };
  if (!isClean(path) || /^\/-(\/|$)/.test(path)) return { broken: 'The path of a source may not climb' };
  const query = queryOf(s.query, env);
  return { ...shape, path: `/x/${encode(extension)}${path}${query && `?${query}`}` };
}

/** Query parameters: empty text, null, false and empty lists leave theirs out, lists give one for each item. */
function queryOf(query: unknown, env: Env): string {
  const all = new URLSearchParams();
  if (!isRecord(query)) return '';
  for (const name of Object.keys(query).slice(0, 32)) {
    const value = readValue(query[name], env);
    for (const one of Array.isArray(value) ? value.slice(0, 64) : [value])
      if ((typeof one === 'string' && one !== '') || typeof one === 'number' || one === true)
        all.append(name, String(one).slice(0, 4096));
  }
  return all.toString();
}

const kind = /^(?:([a-z0-9][a-z0-9.-]{0,252})\/)?(v\d+(?:(?:alpha|beta)\d+)?)\/([a-z0-9]{1,63})$/;

function kubernetes(s: K8sSource, extension: string, env: Env, shape: Omit<Request, 'path'>): Request | NoRequest {
  const m = typeof s.gvr === 'string' ? kind.exec(s.gvr) : null;
  if (!m) return { broken: 'A kind is version/resource or group/version/resource' };
  const [, group, version, resource] = m;
  const cluster = env.context.cluster;
  const namespace =
    s.namespace === undefined ? (env.context.namespace ?? env.context.project) : readValue(s.namespace, env);
  const name = s.name === undefined ? undefined : readValue(s.name, env);
  if (!cluster || (s.name !== undefined && !isName(name))) return { waits: true };
  if (namespace !== undefined && namespace !== '' && !isName(namespace)) return { waits: true };
  const api = group ? `apis/${encode(group)}/${version}` : `api/${version}`;
  const place = namespace ? `/namespaces/${encode(namespace as string)}` : '';
  const list = `/x/${encode(extension)}/-/kubernetes/clusters/${encode(cluster)}/${api}${place}/${resource}`;
  const query = new URLSearchParams();
  if (typeof s.selector === 'string' && s.selector !== '') query.set('labelSelector', s.selector.slice(0, 1024));
  if (name === undefined) return { ...shape, path: `${list}${query.size > 0 ? `?${query}` : ''}` };
  if (shape.mode !== 'watch') return { ...shape, path: `${list}/${encode(name as string)}` };
  query.set('fieldSelector', `metadata.name=${name}`);
  return { ...shape, single: true, path: `${list}?${query}` };
}

const isName = (v: unknown): v is string => typeof v === 'string' && /^[a-z0-9]([-a-z0-9.:]{0,251}[a-z0-9])?$/.test(v);

/** No segment climbs, nothing but a path. */
function isClean(path: string): boolean {
  return !/[\s?#\\]/.test(path) && path.split('/').every((s) => !/^(?:\.|%2e){1,2}$/i.test(s)) && !path.includes('//');
}
