// Seeds of generated conversations.
package kit

import (
	"flag"
	"iter"
	"testing"
)

var (
	oneSeed = flag.Uint64("kit.seed", 0, "play the generated conversation of this seed alone")
	manyOf  = flag.Int("kit.generated", 0, "how many conversations are generated; 0: as many as the test says")
)

// seeds are those to play: n of them, with -short a quarter, where no flag says
// otherwise.
func seeds(n int) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if *oneSeed != 0 {
			yield(*oneSeed)
			return
		}
		if testing.Short() {
			n /= 4
		}
		if *manyOf > 0 {
			n = *manyOf
		}
		for seed := range n {
			if !yield(uint64(seed) + 1) {
				return
			}
		}
	}
}
