// What the REST API speaks, by the names the console uses. The shapes are generated from the core's OpenAPI description.
import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Schemas['User'];
export type Invitation = Schemas['Invitation'];
export type Provider = Schemas['Provider'];
export type SessionInfo = Schemas['Session'];
export type Cluster = Schemas['Cluster'];
export type ClusterPart = Schemas['ClusterPart'];
export type ClusterPhase = Cluster['phase'];
export type PartState = ClusterPart['state'];
export type Workspace = Schemas['Workspace'];
export type Project = Schemas['Project'];
export type Member = Schemas['Member'];
export type Token = Schemas['Token'];
export type NewToken = Schemas['CreatedToken'];
export type Kubeconfig = Schemas['Kubeconfig'];
export type Extension = Schemas['Extension'];
export type Breaker = Schemas['Breaker'];
export type Usage = Schemas['Usage'];
export type TenantUsage = Schemas['TenantUsage'];
export type Ask = Schemas['Ask'];
export type Review = Schemas['Review'];
export type Contribution = Schemas['Contribution'];
export type Info = Schemas['Info'];
export type PlatformRole = NonNullable<Schemas['PlatformRoles']['platform']>[number];

/** A list as the core answers it. */
export type List<T> = { items: T[] | null; total: number; resourceVersion: string };
