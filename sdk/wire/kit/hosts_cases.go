// What a host is asked: the state table, golden frames and conversations,
// written cases, generated ones.
package kit

import (
	"testing"
)

// hostCase is one written case.
type hostCase struct {
	name    string
	options Options
	play    func(k *talk)
}

// TestHost runs everything over a host: a failure is a *Violation's report.
func TestHost(t *testing.T, with WithHost) {
	for _, c := range tableCases() {
		t.Run("table/"+c.name, func(t *testing.T) {
			overHost(t, with, c.options, c.play)
		})
	}
}
