// Package identity answers who is asking: local users and their passwords,
// people of identity providers, who was invited, browser sessions, API tokens,
// and what turns a request into a subject.
//
// What belongs here: proving who somebody is, and taking that proof back at
// once. What does not: what they may do (access), which roles they get
// (access, tenancy), routes, Origin checks and the words of an API (server).
//
// Secrets are never kept: passwords as Argon2id hashes, ids of sessions and
// secrets of tokens as SHA-256. None of them is ever logged.
package identity
