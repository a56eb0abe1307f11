// Package kube is where Atoll meets Kubernetes: the clusters that it knows and
// how they do, and the proxy through which every request of a person reaches
// an API server, impersonating that person so that Kubernetes' own RBAC
// decides.
//
// What belongs here: connections to API servers, health, the law of headers
// and paths, the groups that a request goes out with, lists that span
// projects, upgrades (exec, attach, port-forward), live connections.
//
// What does not: who a person is (identity), what roles mean (access), what
// objects a project consists of (tenancy), what an extension may ask for
// (capability), headers of answers on their way to a browser (server).
package kube
