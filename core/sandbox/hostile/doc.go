// Package hostile is a corpus of guests that attack the sandbox, and the house
// that they are let loose in: an engine, a good extension under steady load, and
// a look at what becomes of both. Tests assert on it, benchmarks measure with it.
//
// What belongs here: guests that break rules, run long, eat much or pry, one
// file each under testdata/guests, and what runs them. What does not: attacks on
// what lies outside of the sandbox (browsers, back ends, Kubernetes), which are
// tested where those are.
package hostile
