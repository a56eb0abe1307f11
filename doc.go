// Package atoll is the root of the house. It holds no code, only the tests that
// keep the house as it was drawn: which room may import which, that every file
// says what it is about, that every top folder says what belongs there.
package atoll
