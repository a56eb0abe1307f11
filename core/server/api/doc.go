// Package api is Atoll's own REST API below /api/v1: the shapes that it speaks,
// described once, checked on the way in and written down as OpenAPI 3.1 from the
// same code.
//
// What belongs here: one file for each thing (sessions, users, clusters, ...)
// with its JSON shapes, its operations, and which error of a room is which
// problem. Every operation asks access before it does anything.
//
// What does not: middleware and listeners (server), and the work itself, which
// the rooms below do.
package api
