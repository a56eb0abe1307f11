// Package access answers one question: may they? It knows permissions, the
// roles that bundle them, who is bound to which role where, and keeps all of
// that in an index that decides in microseconds.
//
// What belongs here: the words of the decision (subject, scope, permission,
// role, binding), the records that a decision needs (workspaces, projects,
// bindings, the names of users), and the index that the store's watch keeps.
//
// What does not: who somebody is and how they prove it (identity), making and
// deleting of workspaces, projects and members (tenancy), what a role means in
// Kubernetes (tenancy), HTTP (server).
package access
