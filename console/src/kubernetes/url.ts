// Paths of a cluster's own API behind Atoll's proxy.
import { api } from '../api/client';
import type { Kind } from './kinds';

/** Kubernetes' Table form of a list, with rows that carry metadata only. */
export const asTable = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const root = (cluster: string, group: string, version: string): string =>
  group === '' ? api`/clusters/${cluster}/api/${version}` : api`/clusters/${cluster}/apis/${group}/${version}`;

/** The list of a kind in a project. */
export const listUrl = (cluster: string, kind: Kind, project: string, query: Record<string, string> = {}): string => {
  const search = new URLSearchParams(query).toString();
  return `${root(cluster, kind.group, kind.version)}${api`/namespaces/${project}/${kind.resource}`}${search && `?${search}`}`;
};

/** The events of a project. */
export const eventsUrl = (cluster: string, project: string, query: Record<string, string> = {}): string => {
  const search = new URLSearchParams(query).toString();
  return `${api`/clusters/${cluster}/api/v1/namespaces/${project}/events`}${search && `?${search}`}`;
};

/** A label selector in the form of a query: matchLabels and matchExpressions of a LabelSelector, or a plain map. */
export function selectorText(selector: unknown): string | undefined {
  if (typeof selector !== 'object' || selector === null) return undefined;
  const { matchLabels, matchExpressions } = selector as {
    matchLabels?: Record<string, string>;
    matchExpressions?: { key: string; operator: string; values?: string[] }[];
  };
  const plain =
    matchLabels === undefined && matchExpressions === undefined
      ? (selector as Record<string, string>)
      : (matchLabels ?? {});
  const parts = Object.entries(plain).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of matchExpressions ?? []) {
    if (operator === 'In') parts.push(`${key} in (${values.join(',')})`);
    else if (operator === 'NotIn') parts.push(`${key} notin (${values.join(',')})`);
    else if (operator === 'Exists') parts.push(key);
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
  }
  return parts.length > 0 ? parts.join(',') : undefined;
}
