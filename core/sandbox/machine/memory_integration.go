//go:build integration

// Linear memory seen from outside, for tests that look for what must not be in it.
// What is shipped is built without it.
package machine

import "bytes"

// MemoryForTests copies a machine's linear memory, between turns.
func MemoryForTests(m Machine) []byte {
	l, ok := m.(*lease)
	if !ok || l.runner == nil {
		return nil
	}
	return bytes.Clone(l.runner.linear.bytes[:l.runner.linear.size.Load()])
}
