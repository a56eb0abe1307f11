//go:build !unix

// Elsewhere than on Unix there is no process of the sandbox's own.
package machine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// Remote is a Room that is nowhere made here.
type Remote struct{ Room }

// NewRemote refuses.
func NewRemote(context.Context, Options) (*Remote, error) {
	return nil, fmt.Errorf("%w: the sandbox has no process of its own on %s, it takes a Unix system", errors.ErrUnsupported, runtime.GOOS)
}

// Life is nobody's.
func (*Remote) Life() Life { return Life{} }
