// Package server puts the house together: it makes the rooms, hands each what
// it needs from above, and answers HTTP.
//
// What belongs here: the configuration file, the order of middleware, listeners
// and certificates, Host, Origin and header policy, limits, the access log,
// metrics and health, the console's files, start and stop. The REST API is in
// server/api, the shape of errors in server/problem.
//
// What does not: any decision about rights (access), any knowledge of
// Kubernetes (kube, tenancy) or of guests (extension, sandbox). It alone knows
// the HTTP framework.
package server
