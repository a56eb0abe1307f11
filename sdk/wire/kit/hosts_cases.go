// What a host is asked: the state table, golden frames and conversations,
// written cases, generated ones.
package kit

import (
	"fmt"
	"slices"
	"testing"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// hostCase is one written case.
type hostCase struct {
	name    string
	options Options
	play    func(k *talk)
}

// TestHost runs everything over a host, and so many generated conversations: a
// failure is a *Violation's report.
func TestHost(t *testing.T, generated int, with WithHost) {
	conversations, err := spec.LoadConversations()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conversations {
		if c.Tests("host") {
			t.Run("golden/"+c.Name, func(t *testing.T) {
				overHost(t, with, Options{}, func(k *talk) { k.playGolden(c) })
			})
		}
	}
	broken, err := brokenCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range []struct {
		name  string
		cases []hostCase
	}{{"frame", broken}, {"table", tableCases()}, {"case", slices.Concat(hostCasesOfWindows, hostCasesOfEnds, hostCasesOfMore, hostCasesOfSplices)}} {
		for _, c := range group.cases {
			t.Run(group.name+"/"+c.name, func(t *testing.T) {
				overHost(t, with, c.options, c.play)
			})
		}
	}
	for seed := range seeds(generated) {
		t.Run(fmt.Sprintf("generated/seed=%d", seed), func(t *testing.T) {
			overHost(t, with, generatedOptions(seed), func(k *talk) { k.generate(seed) })
		})
	}
}
