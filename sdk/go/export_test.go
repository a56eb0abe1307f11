// What the tests see of a session beside what it says.
package atoll

import "github.com/atoll-platform/atoll/sdk/go/internal/native"

// Outstanding is how many bytes a session has taken from the host and not given
// back, in WINDOW or on the way to one.
func Outstanding(n native.Session) int {
	s := n.(*session)
	s.lock()
	defer s.unlock()
	return s.size - s.window - s.credit
}
