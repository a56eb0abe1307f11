// Where the core gives fragments, and what it says when it does not.
import { queryOptions } from '@tanstack/react-query';
import { api, call } from '../api/client';
import { problemOf } from '../api/problem';
import { language } from '../words/words';

/** Where a fragment is shown: in a project, a workspace, a cluster, or (empty) on the platform. */
export interface FragmentScope {
  cluster?: string;
  workspace?: string;
  project?: string;
}

/** The path of a fragment. The query says the scope and, of a tab, the object; the guest gets it too. */
export function fragmentPath(
  extension: string,
  fragment: string,
  scope: FragmentScope,
  params: Record<string, string | undefined> = {},
): string {
  const name = fragment.split('/').map(encodeURIComponent).join('/');
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...scope, ...params })) if (value) query.set(key, value);
  return `${api`/x/${extension}`}/-/fragments/${name}${query.size > 0 ? `?${query}` : ''}`;
}

/** The question for a fragment. A new digest of the extension is a new question; the old answer stays until it is there. */
export const fragmentQuery = (path: string, digest: string | undefined) =>
  queryOptions({
    queryKey: ['fragment', path, digest ?? '', language()],
    queryFn: ({ signal }) => call<unknown>(path, { signal }),
    placeholderData: (before: unknown, query) => (query?.queryKey[1] === path ? before : undefined),
    staleTime: 60_000,
    retry: false,
    // Whoever says when it is worth asking again is asked then.
    refetchInterval: ({ state: { error } }) => (error ? (problemOf(error).retryAfter ?? 0) * 1000 : false) || false,
  });
