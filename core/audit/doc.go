// Package audit keeps who did what, where, when, through what, and how it
// ended, in append-only segments on disk.
//
// What belongs here: the form of an event, and writing and bounding the
// segments. What does not: deciding what is worth an event (whoever does it),
// searching and forwarding (they read segments), and secrets: an event has no
// place for a body, a query or a header.
package audit
