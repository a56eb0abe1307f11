// Reading objects of Kubernetes with care: whatever comes, nothing throws.
import { readTime } from '../format/time';
import type { KubeObject } from '../stream';
import { jobState, podState, replicaState, type State } from './state';

export const record = (v: unknown): KubeObject =>
  typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as KubeObject) : {};
export const list = (v: unknown): KubeObject[] => (Array.isArray(v) ? v.map(record) : []);
export const text = (v: unknown): string =>
  typeof v === 'string' ? v : typeof v === 'number' || typeof v === 'boolean' ? String(v) : '';
export const number = (v: unknown): number => (typeof v === 'number' ? v : 0);

/** The value at a path of names. */
export const at = (object: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((v, name) => record(v)[name], object);

export type Meta = {
  name: string;
  namespace: string;
  uid: string;
  createdAt: number | undefined;
  deletedAt: number | undefined;
  labels: [string, string][];
  annotations: [string, string][];
  owners: { kind: string; name: string; apiVersion: string; controller: boolean }[];
};

/** The metadata of an object. */
export function metaOf(object: KubeObject): Meta {
  const meta = record(object.metadata);
  const pairs = (v: unknown) => Object.entries(record(v)).map(([key, value]) => [key, text(value)] as [string, string]);
  return {
    name: text(meta.name),
    namespace: text(meta.namespace),
    uid: text(meta.uid),
    createdAt: readTime(meta.creationTimestamp),
    deletedAt: readTime(meta.deletionTimestamp),
    labels: pairs(meta.labels),
    annotations: pairs(meta.annotations).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration'),
    owners: list(meta.ownerReferences).map((owner) => ({
      kind: text(owner.kind),
      name: text(owner.name),
      apiVersion: text(owner.apiVersion),
      controller: owner.controller === true,
    })),
  };
}

export type Condition = { type: string; status: string; reason: string; message: string; since: number | undefined };

/** The conditions of an object. */
export const conditionsOf = (object: KubeObject): Condition[] =>
  list(at(object, 'status', 'conditions')).map((one) => ({
    type: text(one.type),
    status: text(one.status),
    reason: text(one.reason),
    message: text(one.message),
    since: readTime(one.lastTransitionTime) ?? readTime(one.lastUpdateTime),
  }));

export type Container = {
  name: string;
  kind: 'init' | 'sidecar' | 'main' | 'ephemeral';
  image: string;
  state: State;
  restarts: number;
  ready: boolean;
  cpu: { request: unknown; limit: unknown };
  memory: { request: unknown; limit: unknown };
  ports: string[];
};

function containerState(status: KubeObject, kind: Container['kind'], phase: string): State {
  const waiting = record(at(status, 'state', 'waiting'));
  const ended = record(at(status, 'state', 'terminated'));
  if (at(status, 'state', 'running')) {
    if (kind === 'main' && status.ready === false)
      return { tone: 'warn', shape: 'warn', word: 'Running', why: 'not ready' };
    return { tone: 'ok', shape: 'ok', word: 'Running' };
  }
  if (text(ended.reason) || ended.exitCode !== undefined) {
    const code = number(ended.exitCode);
    const why = `exit ${code}${ended.signal ? `, signal ${text(ended.signal)}` : ''}`;
    return code === 0
      ? { tone: 'idle', shape: 'done', word: text(ended.reason) || 'Completed', why }
      : { tone: 'bad', shape: 'bad', word: text(ended.reason) || 'Error', why };
  }
  if (text(waiting.reason)) return { ...podState(text(waiting.reason), ''), why: text(waiting.message) || undefined };
  return { tone: 'idle', shape: 'wait', word: phase === 'Running' ? 'Waiting' : phase || 'Waiting' };
}

/** All containers of a pod, the main ones first. */
export function containersOf(pod: KubeObject): Container[] {
  const statuses = new Map<string, KubeObject>();
  for (const from of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']) {
    for (const one of list(at(pod, 'status', from))) statuses.set(text(one.name), one);
  }
  const phase = text(at(pod, 'status', 'phase'));
  const read =
    (kind: Container['kind']) =>
    (spec: KubeObject): Container => {
      const status = statuses.get(text(spec.name)) ?? {};
      const actual = kind === 'init' && spec.restartPolicy === 'Always' ? 'sidecar' : kind;
      return {
        name: text(spec.name),
        kind: actual,
        image: text(spec.image),
        state: containerState(status, actual, phase),
        restarts: number(status.restartCount),
        ready: status.ready === true,
        cpu: { request: at(spec, 'resources', 'requests', 'cpu'), limit: at(spec, 'resources', 'limits', 'cpu') },
        memory: {
          request: at(spec, 'resources', 'requests', 'memory'),
          limit: at(spec, 'resources', 'limits', 'memory'),
        },
        ports: list(spec.ports).map((port) => `${text(port.containerPort)}/${text(port.protocol) || 'TCP'}`),
      };
    };
  return [
    ...list(at(pod, 'spec', 'containers')).map(read('main')),
    ...list(at(pod, 'spec', 'initContainers')).map(read('init')),
    ...list(at(pod, 'spec', 'ephemeralContainers')).map(read('ephemeral')),
  ];
}

/** The word that kubectl shows for a pod, from the object itself. */
export function podWord(pod: KubeObject): string {
  const containers = containersOf(pod);
  if (record(pod.metadata).deletionTimestamp) return 'Terminating';
  const reason = text(at(pod, 'status', 'reason'));
  if (reason) return reason;
  const inits = containers.filter((one) => one.kind === 'init');
  const main = containers.filter((one) => one.kind === 'main');
  const stuck = inits.find((one) => one.state.tone === 'bad');
  if (stuck) return `Init:${stuck.state.word}`;
  const done = inits.filter((one) => one.state.shape === 'done').length;
  const phase = text(at(pod, 'status', 'phase'));
  if (done < inits.length && phase === 'Pending' && inits.some((one) => one.state.shape !== 'wait'))
    return `Init:${done}/${inits.length}`;
  const bad =
    main.find((one) => one.state.tone === 'bad') ??
    main.find((one) => one.state.shape === 'wait' && !['Waiting', 'Pending', 'Running'].includes(one.state.word));
  if (bad) return bad.state.word;
  if (phase === 'Succeeded') return 'Completed';
  return phase || 'Unknown';
}

/** The state of an object of a kind. */
export function stateOf(kind: string, object: KubeObject): State | undefined {
  const status = record(object.status);
  if (kind !== 'Pod' && record(object.metadata).deletionTimestamp)
    return { tone: 'idle', shape: 'end', word: 'Terminating' };
  switch (kind) {
    case 'Pod': {
      const main = containersOf(object).filter((one) => one.kind !== 'init' && one.kind !== 'ephemeral');
      return podState(podWord(object), `${main.filter((one) => one.ready).length}/${main.length}`);
    }
    case 'Deployment':
    case 'StatefulSet':
    case 'ReplicaSet':
      return replicaState(
        number(status.readyReplicas),
        typeof at(object, 'spec', 'replicas') === 'number' ? number(at(object, 'spec', 'replicas')) : 1,
      );
    case 'DaemonSet':
      return replicaState(number(status.numberReady), number(status.desiredNumberScheduled));
    case 'Job': {
      const ended = conditionsOf(object).find(
        (one) => one.status === 'True' && ['Complete', 'Failed', 'Suspended'].includes(one.type),
      );
      return jobState(
        ended?.type ?? '',
        `${number(status.succeeded)}/${number(at(object, 'spec', 'completions')) || 1}`,
      );
    }
    case 'CronJob':
      return at(object, 'spec', 'suspend') === true
        ? { tone: 'idle', shape: 'wait', word: 'Suspended' }
        : { tone: 'ok', shape: 'ok', word: 'Scheduled' };
    case 'PersistentVolumeClaim': {
      const word = text(status.phase);
      return word === 'Bound'
        ? { tone: 'ok', shape: 'ok', word }
        : { tone: word === 'Lost' ? 'bad' : 'idle', shape: word === 'Lost' ? 'bad' : 'wait', word };
    }
    default:
      return undefined;
  }
}

export type Event = {
  key: string;
  type: string;
  reason: string;
  message: string;
  from: string;
  times: number;
  last: number;
  object: { kind: string; name: string };
};

/** Events, the latest first. */
export function eventsOf(items: readonly KubeObject[]): Event[] {
  return items
    .map((one) => ({
      key: text(at(one, 'metadata', 'uid')) || text(at(one, 'metadata', 'name')),
      type: text(one.type),
      reason: text(one.reason),
      message: text(one.message),
      from: text(at(one, 'source', 'component')) || text(one.reportingComponent),
      times: number(at(one, 'series', 'count')) || number(one.count) || 1,
      last:
        readTime(at(one, 'series', 'lastObservedTime')) ??
        readTime(one.lastTimestamp) ??
        readTime(one.eventTime) ??
        readTime(at(one, 'metadata', 'creationTimestamp')) ??
        0,
      object: { kind: text(at(one, 'involvedObject', 'kind')), name: text(at(one, 'involvedObject', 'name')) },
    }))
    .sort((a, b) => b.last - a.last);
}

/** An image without its registry and path: "cart:4.18.2". */
export const shortImage = (image: string): string =>
  image
    .replace(/@sha256:.*$/, '')
    .split('/')
    .at(-1) ?? image;
