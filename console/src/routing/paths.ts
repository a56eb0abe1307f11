// Every address of the console, built and read in one place. /api, /clusters and /x belong to the core, so no page begins with them.

const e = encodeURIComponent;

/** Where a person is: the platform, a cluster, a workspace or a project. */
export type Place =
  | { area: 'platform' }
  | { area: 'cluster'; cluster: string }
  | { area: 'workspace'; workspace: string }
  | { area: 'project'; cluster: string; project: string };

/** The beginning of every path of a place. */
export function placePath(place: Place): string {
  switch (place.area) {
    case 'platform':
      return '/platform';
    case 'cluster':
      return `/c/${e(place.cluster)}`;
    case 'workspace':
      return `/w/${e(place.workspace)}`;
    case 'project':
      return `/c/${e(place.cluster)}/p/${e(place.project)}`;
  }
}

/** A project's two names. */
export type ProjectAt = { cluster: string; project: string };
const inProject = ({ cluster, project }: ProjectAt) => placePath({ area: 'project', cluster, project });

/** The pages of the console. */
export const paths = {
  home: () => '/',
  signIn: (next?: string) => `/signin${next && next !== '/' ? `?next=${e(next)}` : ''}`,
  cluster: (cluster: string) => placePath({ area: 'cluster', cluster }),
  overview: (at: ProjectAt) => inProject(at),
  list: (at: ProjectAt, resource: string) => `${inProject(at)}/${e(resource)}`,
  object: (at: ProjectAt, resource: string, name: string, tab?: string) =>
    `${inProject(at)}/${e(resource)}/${e(name)}${tab ? `?tab=${e(tab)}` : ''}`,
  projectMembers: (at: ProjectAt) => `${inProject(at)}/members`,
  workspace: (workspace: string) => placePath({ area: 'workspace', workspace }),
  workspaceMembers: (workspace: string) => `${placePath({ area: 'workspace', workspace })}/members`,
  clusters: () => '/platform/clusters',
  workspaces: () => '/platform/workspaces',
  users: () => '/platform/users',
  extensions: () => '/platform/extensions',
  settings: (tab?: string) => `/settings${tab ? `/${e(tab)}` : ''}`,
  /** A page of an extension; `route` begins with a slash, as its contributions have it. */
  extension: (place: Place, extension: string, route: string) =>
    `${placePath(place)}/e/${e(extension)}${route.split('/').map(e).join('/')}`,
};

/** Reads where a path is; undefined for pages that stand nowhere (home, settings, sign-in, authorize, invitation). */
export function readPlace(path: string): Place | undefined {
  const parts = path.split('/').slice(1).map(decode);
  const [first, a, b, c] = parts;
  if (first === 'platform') return { area: 'platform' };
  if (first === 'w' && a) return { area: 'workspace', workspace: a };
  if (first === 'c' && a)
    return b === 'p' && c ? { area: 'project', cluster: a, project: c } : { area: 'cluster', cluster: a };
  return undefined;
}

/** The same page in another project, as far as it exists there: lists stay lists, an object becomes its list. */
export function sameIn(path: string, to: ProjectAt): string {
  const place = readPlace(path);
  if (place?.area !== 'project') return paths.overview(to);
  const rest = path.slice(placePath(place).length).split('/').filter(Boolean);
  if (rest.length === 0) return paths.overview(to);
  if (rest[0] === 'e') return `${inProject(to)}/${rest.join('/')}`;
  return `${inProject(to)}/${rest[0]}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
