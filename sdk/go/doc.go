// Package atoll lets an ordinary net/http program answer for an Atoll
// extension from inside the sandbox.
package atoll
