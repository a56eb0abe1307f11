// The facts of an object, by its kind: what a person looks for first.
import type { ReactNode } from 'react';
import { readQuantity, sayCpu, sayMemory } from '../format/quantity';
import { exactSpan, readTime } from '../format/time';
import { Use } from '../kit/bar';
import { Ago } from '../kit/times';
import type { ProjectAt } from '../routing/paths';
import type { KubeObject } from '../stream';
import { t } from '../words/words';
import type { Kind } from './kinds';
import { total, usePodUsage } from './metrics';
import { at, containersOf, list, metaOf, number, record, shortImage, text } from './object';
import { Labels, ObjectLink, Owners } from './parts';
import { selectorText } from './url';

type Fact = [label: string, value: ReactNode];

const mono = (value: unknown): ReactNode => (text(value) ? <span className="mono">{text(value)}</span> : undefined);

function images(template: unknown): ReactNode {
  const all = [...list(at(template, 'spec', 'containers'))].map((one) => text(one.image)).filter(Boolean);
  if (all.length === 0) return undefined;
  return (
    <span className="mono" title={all.join('\n')}>
      {all.map(shortImage).join(', ')}
    </span>
  );
}

function replicas(object: KubeObject): ReactNode {
  const want = typeof at(object, 'spec', 'replicas') === 'number' ? number(at(object, 'spec', 'replicas')) : 1;
  const status = record(object.status);
  return (
    <>
      {t('{ready} ready of {want}', { ready: number(status.readyReplicas), want })}
      {status.updatedReplicas === undefined || number(status.updatedReplicas) === want ? null : (
        <span className="muted"> · {t('{n} up to date', { n: number(status.updatedReplicas) })}</span>
      )}
    </>
  );
}

function byKind(kind: Kind, object: KubeObject): Fact[] {
  const spec = record(object.spec);
  const status = record(object.status);
  switch (kind.kind) {
    case 'Deployment':
      return [
        [t('Replicas'), replicas(object)],
        [t('Strategy'), text(at(spec, 'strategy', 'type'))],
        [t('Images'), images(spec.template)],
        [t('Selector'), mono(selectorText(spec.selector))],
      ];
    case 'StatefulSet':
      return [
        [t('Replicas'), replicas(object)],
        [t('Update strategy'), text(at(spec, 'updateStrategy', 'type'))],
        [t('Service'), text(spec.serviceName)],
        [t('Images'), images(spec.template)],
        [t('Selector'), mono(selectorText(spec.selector))],
      ];
    case 'ReplicaSet':
      return [
        [t('Replicas'), replicas(object)],
        [t('Images'), images(spec.template)],
        [t('Selector'), mono(selectorText(spec.selector))],
      ];
    case 'DaemonSet':
      return [
        [
          t('Nodes'),
          t('{ready} ready of {want}', {
            ready: number(status.numberReady),
            want: number(status.desiredNumberScheduled),
          }),
        ],
        [t('Update strategy'), text(at(spec, 'updateStrategy', 'type'))],
        [t('Images'), images(spec.template)],
        [t('Selector'), mono(selectorText(spec.selector))],
      ];
    case 'Job': {
      const began = readTime(status.startTime);
      const ended = readTime(status.completionTime);
      return [
        [t('Completions'), `${number(status.succeeded)}/${number(spec.completions) || 1}`],
        [
          t('Failed tries'),
          `${number(status.failed)} ${t('of {n} allowed', { n: spec.backoffLimit === undefined ? 6 : number(spec.backoffLimit) })}`,
        ],
        [t('Started'), began === undefined ? undefined : <Ago key="began" at={began} />],
        [t('Took'), began !== undefined && ended !== undefined ? exactSpan(ended - began) : undefined],
        [t('Images'), images(spec.template)],
      ];
    }
    case 'CronJob':
      return [
        [t('Schedule'), mono(spec.schedule)],
        [
          t('Last run'),
          readTime(status.lastScheduleTime) === undefined ? (
            t('never')
          ) : (
            <Ago key="last" at={readTime(status.lastScheduleTime)} />
          ),
        ],
        [t('Concurrency'), text(spec.concurrencyPolicy)],
        [t('Images'), images(at(spec, 'jobTemplate', 'spec', 'template'))],
      ];
    case 'Service':
      return [
        [t('Type'), text(spec.type)],
        [t('Cluster IP'), mono(spec.clusterIP)],
        [
          t('Ports'),
          <span key="ports" className="mono">
            {list(spec.ports)
              .map(
                (one) =>
                  `${text(one.port)}${text(one.targetPort) && text(one.targetPort) !== text(one.port) ? `→${text(one.targetPort)}` : ''}/${text(one.protocol)}`,
              )
              .join(', ')}
          </span>,
        ],
        [t('Selector'), mono(selectorText(spec.selector))],
      ];
    case 'PersistentVolumeClaim':
      return [
        [t('Size'), text(at(status, 'capacity', 'storage')) || text(at(spec, 'resources', 'requests', 'storage'))],
        [t('Storage class'), text(spec.storageClassName)],
        [t('Access'), (Array.isArray(spec.accessModes) ? spec.accessModes : []).map(text).join(', ')],
        [t('Volume'), mono(spec.volumeName)],
      ];
    case 'ConfigMap':
    case 'Secret':
      return [
        [t('Type'), text(object.type)],
        [
          t('Keys'),
          <span key="keys" className="mono">
            {[...Object.keys(record(object.data)), ...Object.keys(record(object.binaryData))].join(', ')}
          </span>,
        ],
      ];
    default:
      return [];
  }
}

function Grid({ facts }: { facts: Fact[] }) {
  return (
    <dl className="facts cols2">
      {facts
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([label, value]) => (
          <div key={label} className="contents">
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

export function Facts({ kind, object, project }: { kind: Kind; object: KubeObject; project: ProjectAt }) {
  const meta = metaOf(object);
  const common: Fact[] = [
    [t('Created'), <Ago key="created" at={meta.createdAt} />],
    ...(meta.owners.length > 0
      ? [[t('Managed by'), <Owners key="owners" project={project} owners={meta.owners} />] as Fact]
      : []),
    ...(meta.deletedAt === undefined ? [] : [[t('Being deleted'), <Ago key="deleted" at={meta.deletedAt} />] as Fact]),
    [t('Labels'), <Labels key="labels" pairs={meta.labels} />],
  ];
  if (kind.kind === 'Pod') return <PodFacts pod={object} project={project} name={meta.name} common={common} />;
  return <Grid facts={[...byKind(kind, object), ...common]} />;
}

const sum = (values: (number | undefined)[]): number | undefined =>
  values.every((one) => one !== undefined) && values.length > 0
    ? values.reduce<number>((a, b) => a + b!, 0)
    : undefined;

function PodFacts({
  pod,
  project,
  name,
  common,
}: {
  pod: KubeObject;
  project: ProjectAt;
  name: string;
  common: Fact[];
}) {
  const use = total(usePodUsage(project.cluster, project.project, name));
  const containers = containersOf(pod).filter((one) => one.kind === 'main' || one.kind === 'sidecar');
  const part = (of: 'cpu' | 'memory', which: 'request' | 'limit') =>
    sum(containers.map((one) => readQuantity(one[of][which])));
  const facts: Fact[] = [
    [t('Node'), text(at(pod, 'spec', 'nodeName')) || <span className="muted">{t('none yet')}</span>],
    [
      t('CPU'),
      <Use key="cpu" of value={use?.cpu} request={part('cpu', 'request')} limit={part('cpu', 'limit')} say={sayCpu} />,
    ],
    [t('Pod IP'), mono(at(pod, 'status', 'podIP'))],
    [
      t('Memory'),
      <Use
        key="memory"
        of
        value={use?.memory}
        request={part('memory', 'request')}
        limit={part('memory', 'limit')}
        say={sayMemory}
      />,
    ],
    [t('Service account'), text(at(pod, 'spec', 'serviceAccountName'))],
    [t('Restarts'), String(containersOf(pod).reduce((n, one) => n + one.restarts, 0))],
    [t('Restart policy'), text(at(pod, 'spec', 'restartPolicy'))],
    [t('QoS class'), text(at(pod, 'status', 'qosClass'))],
  ];
  const claims = list(at(pod, 'spec', 'volumes'))
    .map((one) => text(at(one, 'persistentVolumeClaim', 'claimName')))
    .filter(Boolean);
  if (claims.length > 0) {
    facts.push([
      t('Volumes'),
      <span key="claims">
        {claims.map((one, i) => (
          <span key={one}>
            {i > 0 ? ', ' : ''}
            <ObjectLink project={project} kind="PersistentVolumeClaim" name={one} />
          </span>
        ))}
      </span>,
    ]);
  }
  return <Grid facts={[...facts, ...common]} />;
}
