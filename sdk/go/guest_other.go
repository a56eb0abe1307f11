//go:build !wasip1

// Outside a sandbox there is nobody to talk to; lines of the log go to standard
// error.
package atoll

import (
	"fmt"
	"os"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func emitLog(payload []byte) {
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return
		}
		payload = rest
		if f.Tag == wire.TagText {
			fmt.Fprintf(os.Stderr, "%s\n", f.Value)
		}
	}
}
