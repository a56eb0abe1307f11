// Package tenancy is where people work: workspaces (tenants), projects (a
// namespace in one cluster) and who belongs to them, and the reconcilers that
// make Kubernetes match.
//
// What belongs here: creating, deleting and listing of workspaces, projects and
// members; budgets and what projects have of them; the roles that Kubernetes
// enforces, as ClusterRoles, and the policies that hold projects, as
// ValidatingAdmissionPolicies; a namespace's labels, bindings, quotas and
// isolation; the repair of what was changed behind Atoll's back, by the one
// replica that is elected; what people made in a project that gives rights, to be
// listed and revoked when they have gone.
//
// What does not: what a role allows inside Atoll (access), who a person is
// (identity), requests of people to Kubernetes (kube). Membership never writes
// to Kubernetes: bindings are to groups, and kube says who is in them.
package tenancy
