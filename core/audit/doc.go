// Package audit keeps who did what, where, when, through what, and how it
// ended, in append-only segments on disk.
//
// What belongs here: the form of an event, writing and bounding the segments,
// and reading them: searched from the newest event backwards, or followed
// forwards. What does not: deciding what is worth an event (whoever does it),
// who may read which (server), and secrets: an event has no place for a body, a
// query or a header.
package audit
