// Package native lets atolltest make guests of package atoll outside
// WebAssembly, without either exporting to authors what is only for tests.
package native

import "net/http"

// Broken begins the text of the panic of a session whose host breaks the wire.
const Broken = "atoll: the host's frames are broken: "

// Session is one guest's end of the wire.
type Session interface {
	// Poll is atoll_poll. What it answers stands until the next Poll.
	Poll(frames []byte) []byte
	// Running is how many handlers have not returned.
	Running() int
	// Close ends every stream.
	Close()
}

// Options say how a session runs.
type Options struct {
	// Handler answers; nil: what was given to atoll.Serve.
	Handler http.Handler
	// Settle returns when every goroutine of the session waits; nil: at once.
	Settle func()
	// Ready is called, from any goroutine, when frames wait for a Poll, and when
	// a handler has returned. It must not wait. It may be nil.
	Ready func()
}

// New makes a session. Package atoll sets it.
var New func(o Options) Session
