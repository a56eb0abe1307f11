// The kinds of Kubernetes objects that have a page here. Every kind is shown from Kubernetes' own Table; what is said about a kind is only
// how to find it, what it is called, and which of its columns carry its state.
import type { LucideIcon } from 'lucide-react';
import {
  Box,
  CalendarClock,
  Database,
  HardDrive,
  Hexagon,
  KeyRound,
  Layers,
  Network,
  Server,
  SlidersHorizontal,
  SquarePlay,
  Waypoints,
} from 'lucide-react';
import { t } from '../words/words';

/** The group of the navigation a kind stands in. */
export type KindGroup = 'workloads' | 'network' | 'configuration';

export type Kind = {
  /** In paths of the console, and Kubernetes' name of the resource. */
  readonly resource: string;
  /** The API group; empty is the core group. */
  readonly group: string;
  readonly version: string;
  /** Kubernetes' name of one. */
  readonly kind: string;
  /** What several and one are called in the middle of a sentence. */
  readonly many: () => string;
  readonly one: () => string;
  readonly icon: LucideIcon;
  readonly in: KindGroup;
  /** Its objects have pods of their own, chosen by spec.selector. */
  readonly selectsPods?: boolean;
};

/** All kinds with a page, in the order of the navigation. */
export const kinds: readonly Kind[] = [
  {
    resource: 'pods',
    group: '',
    version: 'v1',
    kind: 'Pod',
    many: () => t('pods'),
    one: () => t('pod'),
    icon: Hexagon,
    in: 'workloads',
  },
  {
    resource: 'deployments',
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    many: () => t('deployments'),
    one: () => t('deployment'),
    icon: Layers,
    in: 'workloads',
    selectsPods: true,
  },
  {
    resource: 'statefulsets',
    group: 'apps',
    version: 'v1',
    kind: 'StatefulSet',
    many: () => t('stateful sets'),
    one: () => t('stateful set'),
    icon: Database,
    in: 'workloads',
    selectsPods: true,
  },
  {
    resource: 'daemonsets',
    group: 'apps',
    version: 'v1',
    kind: 'DaemonSet',
    many: () => t('daemon sets'),
    one: () => t('daemon set'),
    icon: Server,
    in: 'workloads',
    selectsPods: true,
  },
  {
    resource: 'replicasets',
    group: 'apps',
    version: 'v1',
    kind: 'ReplicaSet',
    many: () => t('replica sets'),
    one: () => t('replica set'),
    icon: Box,
    in: 'workloads',
    selectsPods: true,
  },
  {
    resource: 'jobs',
    group: 'batch',
    version: 'v1',
    kind: 'Job',
    many: () => t('jobs'),
    one: () => t('job'),
    icon: SquarePlay,
    in: 'workloads',
    selectsPods: true,
  },
  {
    resource: 'cronjobs',
    group: 'batch',
    version: 'v1',
    kind: 'CronJob',
    many: () => t('cron jobs'),
    one: () => t('cron job'),
    icon: CalendarClock,
    in: 'workloads',
  },
  {
    resource: 'services',
    group: '',
    version: 'v1',
    kind: 'Service',
    many: () => t('services'),
    one: () => t('service'),
    icon: Network,
    in: 'network',
    selectsPods: true,
  },
  {
    resource: 'ingresses',
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'Ingress',
    many: () => t('ingresses'),
    one: () => t('ingress'),
    icon: Waypoints,
    in: 'network',
  },
  {
    resource: 'persistentvolumeclaims',
    group: '',
    version: 'v1',
    kind: 'PersistentVolumeClaim',
    many: () => t('volume claims'),
    one: () => t('volume claim'),
    icon: HardDrive,
    in: 'network',
  },
  {
    resource: 'configmaps',
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    many: () => t('config maps'),
    one: () => t('config map'),
    icon: SlidersHorizontal,
    in: 'configuration',
  },
  {
    resource: 'secrets',
    group: '',
    version: 'v1',
    kind: 'Secret',
    many: () => t('secrets'),
    one: () => t('secret'),
    icon: KeyRound,
    in: 'configuration',
  },
];

const byResource = new Map(kinds.map((kind) => [kind.resource, kind]));

/** The kind with this resource name. */
export const kindOf = (resource: string): Kind | undefined => byResource.get(resource);

/** The kind of an owner or an involved object. */
export const kindNamed = (kind: string, apiVersion?: string): Kind | undefined =>
  kinds.find((one) => one.kind === kind && (apiVersion === undefined || apiVersion === apiVersionOf(one)));

/** "apps/v1", or "v1" for the core group. */
export const apiVersionOf = (kind: Kind): string => (kind.group ? `${kind.group}/${kind.version}` : kind.version);

/** As extensions name it: "apps/v1/deployments", "v1/pods". */
export const gvrOf = (kind: Kind): string => `${apiVersionOf(kind)}/${kind.resource}`;

/** With a capital, as a title. */
export const titleOf = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
