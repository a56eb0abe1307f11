// What the REST API speaks, by the names the console uses.

export type User = {
  uid: string;
  name: string;
  displayName?: string;
  mustChangePassword?: boolean;
  disabled?: boolean;
  createdAt?: string;
  platformRoles?: string[] | null;
};

export type SessionInfo = { user: User; csrfToken: string; expiresAt: string };

export type PartState = 'pending' | 'building' | 'starting' | 'ready' | 'failed';
export type ClusterPart = { name: string; title: string; state: PartState; detail?: string; seconds?: number };
export type ClusterPhase = 'Pending' | 'Building' | 'Starting' | 'Ready' | 'Unreachable' | 'Failed';
export type Cluster = {
  name: string;
  title?: string;
  phase: ClusterPhase;
  message?: string;
  version?: string;
  node?: 'real' | 'simulated' | '';
  reason?: string;
  parts?: ClusterPart[] | null;
  since?: string;
};

export type Workspace = { uid: string; name: string; title?: string; createdAt?: string; roles?: string[] | null };

export type ProjectPhase = 'Pending' | 'Ready' | 'Failed' | 'Deleting';
export type Project = {
  uid: string;
  name: string;
  cluster: string;
  workspace?: string;
  title?: string;
  phase?: ProjectPhase;
  message?: string;
  createdAt?: string;
  roles?: string[] | null;
};

export type Member = { user: string; displayName?: string; role: string };

export type Token = { id: string; name: string; createdAt?: string; expiresAt?: string; lastUsedAt?: string };
export type NewToken = Token & { token: string };

export type Extension = {
  name: string;
  version: string;
  title?: string;
  description?: string;
  digest?: string;
  source?: string;
  builtin?: boolean;
  state?: string;
  message?: string;
  installedAt?: string;
  installedBy?: string;
  asks?: Ask[] | null;
};

export type Ask = { kind: string; text: string; reason?: string; dangerous?: boolean; rule?: unknown };
export type Review = {
  name: string;
  version: string;
  title?: string;
  description?: string;
  digest: string;
  consent: string;
  asks?: Ask[] | null;
  installed?: string;
};

export type Contribution = {
  extension: string;
  version?: string;
  digest?: string;
  title?: string;
  slot: string;
  id: string;
  label?: string;
  icon?: string;
  route?: string;
  fragment?: string;
  match?: { gvr?: string; scope?: string } | null;
  order?: number;
  allowed?: boolean;
  missing?: string;
};

export type List<T> = { items: T[] | null; total?: number; resourceVersion?: string };
export type Info = { version?: string; commit?: string };
