// What pods use now, as the metrics API of the cluster says; nothing where there is none.
import { useQuery } from '@tanstack/react-query';
import { api, call } from '../api/client';
import { readQuantity } from '../format/quantity';
import type { KubeObject } from '../stream';
import { at, list, text } from './object';

export type Usage = { cpu: number; memory: number };

const add = (a: Usage, b: Usage): Usage => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory });

/** Usage by container of one pod. */
export function readUsage(pod: KubeObject): Map<string, Usage> {
  return new Map(
    list(pod.containers).map((one) => [
      text(one.name),
      { cpu: readQuantity(at(one, 'usage', 'cpu')) ?? 0, memory: readQuantity(at(one, 'usage', 'memory')) ?? 0 },
    ]),
  );
}

/** The sum of all containers. */
export const total = (usage: ReadonlyMap<string, Usage>): Usage | undefined =>
  usage.size === 0 ? undefined : [...usage.values()].reduce(add);

// A cluster without metrics is not asked again and again.
const options = {
  refetchInterval: (query: { state: { error: unknown } }) => (query.state.error ? false : 15_000),
  retry: false,
  staleTime: 10_000,
} as const;

/** The usage of one pod by container, asked again every 15 s. */
export function usePodUsage(cluster: string, project: string, name: string | undefined): ReadonlyMap<string, Usage> {
  const { data } = useQuery({
    ...options,
    queryKey: ['usage', cluster, project, name],
    enabled: name !== undefined,
    queryFn: async ({ signal }) =>
      readUsage(
        await call<KubeObject>(
          api`/clusters/${cluster}/apis/metrics.k8s.io/v1beta1/namespaces/${project}/pods/${name!}`,
          { signal },
        ),
      ),
  });
  return data ?? none;
}

/** The usage of all pods of a project by pod name, asked again every 15 s. */
export function useProjectUsage(
  cluster: string,
  project: string,
  wanted: boolean,
): ReadonlyMap<string, Usage> | undefined {
  const { data } = useQuery({
    ...options,
    queryKey: ['usage', cluster, project],
    enabled: wanted,
    queryFn: async ({ signal }) => {
      const answer = await call<KubeObject>(
        api`/clusters/${cluster}/apis/metrics.k8s.io/v1beta1/namespaces/${project}/pods`,
        { signal },
      );
      return new Map(
        list(answer.items).map((pod) => [
          text(at(pod, 'metadata', 'name')),
          total(readUsage(pod)) ?? { cpu: 0, memory: 0 },
        ]),
      );
    },
  });
  return data;
}

const none: ReadonlyMap<string, Usage> = new Map();
