// Seeds of generated conversations.
package kit

import (
	"flag"
	"iter"
	"testing"
)

var (
	oneSeed = flag.Uint64("kit.seed", 0, "play the generated conversation of this seed alone")
	manyOf  = flag.Int("kit.generated", 0, "how many conversations are generated; 0: 60, with -short 15")
)

// seeds are those to play.
func seeds(t *testing.T) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if *oneSeed != 0 {
			yield(*oneSeed)
			return
		}
		n := *manyOf
		if n == 0 {
			n = 60
			if testing.Short() {
				n = 15
			}
		}
		for seed := range n {
			if !yield(uint64(seed) + 1) {
				return
			}
		}
	}
}
