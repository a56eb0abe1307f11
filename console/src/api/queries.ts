// The reads of the REST API that are asked for and kept (TanStack Query). What is live comes over the stream instead (src/live).
import { queryOptions } from '@tanstack/react-query';
import { api, call } from './client';
import type { Extension, Info, List, Member, Project, Token, User, Workspace } from './types';

const items = async <T>(path: string, signal: AbortSignal) => (await call<List<T>>(path, { signal })).items ?? [];

export const projects = () =>
  queryOptions({ queryKey: ['projects'], queryFn: ({ signal }) => items<Project>('/api/v1/projects', signal) });

export const workspaces = () =>
  queryOptions({ queryKey: ['workspaces'], queryFn: ({ signal }) => items<Workspace>('/api/v1/workspaces', signal) });

export const users = () =>
  queryOptions({ queryKey: ['users'], queryFn: ({ signal }) => items<User>('/api/v1/users', signal) });

export const tokens = () =>
  queryOptions({ queryKey: ['tokens'], queryFn: ({ signal }) => items<Token>('/api/v1/tokens', signal) });

export const extensions = () =>
  queryOptions({ queryKey: ['extensions'], queryFn: ({ signal }) => items<Extension>('/api/v1/extensions', signal) });

export const info = () =>
  queryOptions({
    queryKey: ['info'],
    queryFn: ({ signal }) => call<Info>('/api/v1/info', { signal, quiet401: true }),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Where members are kept: of a project or of a workspace. */
export type MembersOf = { workspace: string } | { cluster: string; project: string };

export const membersPath = (of: MembersOf) =>
  'workspace' in of
    ? api`/api/v1/workspaces/${of.workspace}/members`
    : api`/api/v1/clusters/${of.cluster}/projects/${of.project}/members`;

export const members = (of: MembersOf) =>
  queryOptions({ queryKey: ['members', of], queryFn: ({ signal }) => items<Member>(membersPath(of), signal) });

/** A scope to ask about; an empty one is the platform. */
export type Scope = { cluster?: string; workspace?: string; project?: string };

/** What the person may do in a scope, so that a button can say why it is locked. */
export const access = (scope: Scope) =>
  queryOptions({
    queryKey: ['access', scope],
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams(Object.entries(scope).filter(([, v]) => v)).toString();
      const answer = await call<{ permissions: string[] | null }>(`/api/v1/access${query && `?${query}`}`, { signal });
      return new Set(answer.permissions ?? []);
    },
    staleTime: 30_000,
  });
