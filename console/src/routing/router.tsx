// The pages of the console and what is loaded for each. Everything but the shell comes when it is first shown.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from '@tanstack/react-router';
import { ClusterGate } from '../cluster/cluster-gate';
import { HomePage } from '../home/home-page';
import { Gate } from '../session/gate';
import { Broken, NotFound } from '../shell/broken';
import { Shell } from '../shell/shell';
import { ProjectGate, WorkspaceGate } from '../tenancy/place-gates';

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/signin',
  component: lazyRouteComponent(() => import('../session/sign-in-page'), 'SignInPage'),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyRouteComponent(() => import('../session/invitation-page'), 'InvitationPage'),
});

/** For who is signed in, without anything around it that leads elsewhere. */
const alone = createRoute({
  getParentRoute: () => root,
  id: 'alone',
  component: () => (
    <Gate>
      <Outlet />
    </Gate>
  ),
});
const authorize = createRoute({
  getParentRoute: () => alone,
  path: '/authorize',
  component: lazyRouteComponent(() => import('../session/authorize-page'), 'AuthorizePage'),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: () => (
    <Gate>
      <Shell />
    </Gate>
  ),
});

const home = createRoute({ getParentRoute: () => inside, path: '/', component: HomePage });

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings/{-$tab}',
  component: lazyRouteComponent(() => import('../settings/settings-page'), 'SettingsPage'),
});

const cluster = createRoute({ getParentRoute: () => inside, path: '/c/$cluster', component: ClusterGate });
const clusterHome = createRoute({
  getParentRoute: () => cluster,
  path: '/',
  component: lazyRouteComponent(() => import('../cluster/cluster-page'), 'ClusterPage'),
});
const project = createRoute({ getParentRoute: () => cluster, path: '/p/$project', component: ProjectGate });
const overview = createRoute({
  getParentRoute: () => project,
  path: '/',
  component: lazyRouteComponent(() => import('../kubernetes/overview-page'), 'OverviewPage'),
});
const projectMembers = createRoute({
  getParentRoute: () => project,
  path: '/members',
  component: lazyRouteComponent(() => import('../tenancy/members-page'), 'MembersPage'),
});
const list = createRoute({
  getParentRoute: () => project,
  path: '/$resource',
  component: lazyRouteComponent(() => import('../kubernetes/list-page'), 'ListPage'),
});
const object = createRoute({
  getParentRoute: () => project,
  path: '/$resource/$name',
  component: lazyRouteComponent(() => import('../kubernetes/object-page'), 'ObjectPage'),
});

const extensionPage = lazyRouteComponent(() => import('../extensions/extension-page'), 'ExtensionPage');
const projectExtension = createRoute({
  getParentRoute: () => project,
  path: '/e/$extension/$',
  component: extensionPage,
});
const clusterExtension = createRoute({
  getParentRoute: () => cluster,
  path: '/e/$extension/$',
  component: extensionPage,
});

const workspace = createRoute({ getParentRoute: () => inside, path: '/w/$workspace', component: WorkspaceGate });
const workspaceHome = createRoute({
  getParentRoute: () => workspace,
  path: '/',
  component: lazyRouteComponent(() => import('../tenancy/workspace-page'), 'WorkspacePage'),
});
const workspaceMembers = createRoute({
  getParentRoute: () => workspace,
  path: '/members',
  component: lazyRouteComponent(() => import('../tenancy/members-page'), 'MembersPage'),
});
const workspaceExtension = createRoute({
  getParentRoute: () => workspace,
  path: '/e/$extension/$',
  component: extensionPage,
});

const platform = createRoute({ getParentRoute: () => inside, path: '/platform', component: Outlet });
const platformHome = createRoute({ getParentRoute: () => platform, path: '/', component: HomePage });
const clusters = createRoute({
  getParentRoute: () => platform,
  path: '/clusters',
  component: lazyRouteComponent(() => import('../cluster/clusters-page'), 'ClustersPage'),
});
const workspaces = createRoute({
  getParentRoute: () => platform,
  path: '/workspaces',
  component: lazyRouteComponent(() => import('../tenancy/workspaces-page'), 'WorkspacesPage'),
});
const users = createRoute({
  getParentRoute: () => platform,
  path: '/users',
  component: lazyRouteComponent(() => import('../tenancy/users-page'), 'UsersPage'),
});
const extensions = createRoute({
  getParentRoute: () => platform,
  path: '/extensions',
  component: lazyRouteComponent(() => import('../extensions/extensions-page'), 'ExtensionsPage'),
});
const platformExtension = createRoute({
  getParentRoute: () => platform,
  path: '/e/$extension/$',
  component: extensionPage,
});

const tree = root.addChildren([
  signIn,
  invitation,
  alone.addChildren([authorize]),
  inside.addChildren([
    home,
    settings,
    cluster.addChildren([
      clusterHome,
      clusterExtension,
      project.addChildren([overview, projectMembers, projectExtension, list, object]),
    ]),
    workspace.addChildren([workspaceHome, workspaceMembers, workspaceExtension]),
    platform.addChildren([platformHome, clusters, workspaces, users, extensions, platformExtension]),
  ]),
]);

/** Makes the router. The query is plain text: every value is a string, as people read and share it. */
export const makeRouter = () =>
  createRouter({
    routeTree: tree,
    defaultErrorComponent: Broken,
    defaultPendingMs: 120,
    scrollRestoration: false,
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const query = new URLSearchParams(
        Object.entries(search).map(([name, value]) => [name, String(value)]),
      ).toString();
      return query && `?${query}`;
    },
  });
