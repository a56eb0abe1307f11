import { describe, expect, it } from 'vitest';
import { conditionsOf, containersOf, eventsOf, metaOf, podWord, shortImage, stateOf } from './object';

const pod = (status: object, spec: object = {}, meta: object = {}) => ({
  metadata: { name: 'web-0', ...meta },
  spec: {
    containers: [
      { name: 'web', image: 'registry.example/reef/web:1.2@sha256:00', resources: { limits: { cpu: '500m' } } },
    ],
    ...spec,
  },
  status,
});
const main = (state: object, ready = false) => ({
  phase: 'Running',
  containerStatuses: [{ name: 'web', ready, restartCount: 3, state }],
});

describe('the word of a pod', () => {
  it.each([
    ['Running', pod(main({ running: {} }, true))],
    ['CrashLoopBackOff', pod(main({ waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m' } }))],
    ['ContainerCreating', pod({ ...main({ waiting: { reason: 'ContainerCreating' } }), phase: 'Pending' })],
    ['Completed', pod({ ...main({ terminated: { reason: 'Completed', exitCode: 0 } }), phase: 'Succeeded' })],
    ['Error', pod({ ...main({ terminated: { reason: 'Error', exitCode: 2 } }), phase: 'Failed' })],
    ['Evicted', pod({ phase: 'Failed', reason: 'Evicted' })],
    ['Terminating', pod(main({ running: {} }, true), {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['Pending', pod({ phase: 'Pending' })],
    [
      'Init:CrashLoopBackOff',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'setup', state: { waiting: { reason: 'CrashLoopBackOff' } } }],
        },
        { initContainers: [{ name: 'setup' }] },
      ),
    ],
    [
      'Init:0/1',
      pod(
        { phase: 'Pending', initContainerStatuses: [{ name: 'setup', state: { running: {} } }] },
        { initContainers: [{ name: 'setup' }] },
      ),
    ],
  ])('is %s', (word, object) => expect(podWord(object)).toBe(word));
});

describe('containers', () => {
  it('are read with state, restarts and resources', () => {
    const [one] = containersOf(pod(main({ waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m' } })));
    expect(one).toMatchObject({
      name: 'web',
      restarts: 3,
      state: { tone: 'bad', why: 'back-off 5m' },
      cpu: { limit: '500m' },
    });
  });
  it('tell init containers from sidecars', () => {
    const kinds = containersOf(
      pod({}, { initContainers: [{ name: 'a' }, { name: 'b', restartPolicy: 'Always' }] }),
    ).map((one) => one.kind);
    expect(kinds).toEqual(['main', 'init', 'sidecar']);
  });
});

describe('the state of an object', () => {
  it('counts replicas', () => {
    expect(stateOf('Deployment', { spec: { replicas: 3 }, status: { readyReplicas: 1 } })).toMatchObject({
      tone: 'warn',
    });
    expect(stateOf('Deployment', { spec: { replicas: 0 }, status: {} })).toMatchObject({ tone: 'idle' });
    expect(stateOf('DaemonSet', { status: { numberReady: 2, desiredNumberScheduled: 2 } })).toMatchObject({
      tone: 'ok',
    });
  });
  it('knows jobs that ended', () => {
    expect(stateOf('Job', { status: { conditions: [{ type: 'Failed', status: 'True' }] } })).toMatchObject({
      tone: 'bad',
    });
    expect(
      stateOf('Job', { status: { conditions: [{ type: 'Complete', status: 'True' }], succeeded: 1 } }),
    ).toMatchObject({ shape: 'done' });
  });
  it('is none for kinds without one', () => expect(stateOf('ConfigMap', {})).toBeUndefined());
});

it('reads events, the latest first, with how often they happened', () => {
  const events = eventsOf([
    {
      metadata: { uid: 'a' },
      reason: 'Pulled',
      lastTimestamp: '2026-01-01T00:00:00Z',
      count: 2,
      source: { component: 'kubelet' },
    },
    { metadata: { uid: 'b' }, reason: 'Started', eventTime: '2026-01-02T00:00:00Z', reportingComponent: 'kubelet' },
  ]);
  expect(events.map((one) => [one.reason, one.times, one.from])).toEqual([
    ['Started', 1, 'kubelet'],
    ['Pulled', 2, 'kubelet'],
  ]);
});

it('survives anything', () => {
  for (const junk of [
    {},
    { metadata: 3, spec: [], status: 'x' },
    { status: { conditions: {}, containerStatuses: [null, 4] } },
  ]) {
    expect(metaOf(junk).name).toBe('');
    expect(conditionsOf(junk)).toEqual([]);
    expect(containersOf(junk)).toEqual([]);
    for (const kind of ['Pod', 'Deployment', 'Job', 'DaemonSet', 'CronJob', 'PersistentVolumeClaim'])
      expect(() => stateOf(kind, junk)).not.toThrow();
  }
});

it('shortens images', () => expect(shortImage('registry.example/reef/web:1.2@sha256:00')).toBe('web:1.2'));
