// Package tenancy is where people work: workspaces (tenants), projects (a
// namespace in one cluster) and who belongs to them, and the reconcilers that
// make Kubernetes match.
//
// What belongs here: creating, deleting and listing of workspaces, projects and
// members; the roles that Kubernetes enforces, as ClusterRoles; a namespace's
// labels and bindings; the repair of what was changed behind Atoll's back.
//
// What does not: what a role allows inside Atoll (access), who a person is
// (identity), requests of people to Kubernetes (kube). Membership never writes
// to Kubernetes: bindings are to groups, and kube says who is in them.
package tenancy
