// Package atolltest runs an extension's handler natively under go test, without
// WebAssembly: Serve with a small host in memory, for tests of extensions; Guest
// as the bare end of the wire, for tests of the wire.
package atolltest

import (
	"net/http"

	// The package sets native.New.
	_ "github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/internal/native"
)

// Broken begins the text of the panic with which a Guest answers a host that
// breaks the wire.
const Broken = native.Broken

// Guest is the SDK's own end of the wire: atoll_poll as a method. It is for one
// goroutine. The functions of package atoll that have no context (Setting,
// Draining, Rand) speak of the Guest that was made last.
type Guest struct{ session native.Session }

// NewGuest makes a guest that answers with h; nil is what was given to
// atoll.Serve. The routes of atoll.HandleFrames answer too. Settle returns when
// every goroutine of the guest waits: synctest.Wait, in a bubble.
func NewGuest(h http.Handler, settle func()) *Guest {
	return &Guest{native.New(native.Options{Handler: h, Settle: settle})}
}

// Poll takes a batch of the host's frames (none: time has passed), settles, and
// gives the guest's, which stand until the next Poll. The first frame is HELLO.
// A host that breaks the wire makes it panic with a text that begins with
// Broken, then and ever after.
func (g *Guest) Poll(frames []byte) []byte { return g.session.Poll(frames) }

// Close ends every stream: contexts are cancelled, and whatever waits for one
// goes on. Polls answer nothing afterwards.
func (g *Guest) Close() { g.session.Close() }
