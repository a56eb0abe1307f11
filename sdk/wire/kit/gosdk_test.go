// The Go SDK keeps the wire: its own end, run natively.
package kit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/atolltest"
	"github.com/atoll-platform/atoll/sdk/wire/kit"
	"github.com/atoll-platform/atoll/sdk/wire/kit/guest"
)

// native is the Go SDK as a kit.Guest.
type native struct{ guest *atolltest.Guest }

func (n native) Poll(frames []byte) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	return n.guest.Poll(frames), nil
}

func TestGoSDKKeepsTheWire(t *testing.T) {
	kit.TestGuest(t, 60, func(t *testing.T, play func(kit.Guest, func(time.Duration))) {
		synctest.Test(t, func(t *testing.T) {
			g := atolltest.NewGuest(guest.Handler(), synctest.Wait)
			defer func() {
				g.Close()
				synctest.Wait()
				time.Sleep(time.Hour) // what still sleeps ends too
			}()
			play(native{g}, time.Sleep)
		})
	})
}
