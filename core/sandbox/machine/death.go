// Deaths: when a process ends under its machines, whoever looks after them is told
// what it was doing, and can say who is to blame.
package machine

import (
	"context"
	"errors"
)

// LostError is how a machine, or a question, is lost whose process has ended. It
// wraps ErrLost.
type LostError struct {
	// Verdict is what Options.Judge said of that end; nil: it was not asked.
	Verdict any
	why     error
}

// Error tells of the process's end.
func (e *LostError) Error() string { return e.why.Error() }

// Unwrap gives what wraps ErrLost.
func (e *LostError) Unwrap() error { return e.why }

// unjudged tells whether something was lost of which nobody has a verdict.
func unjudged(err error) bool {
	var lost *LostError
	return errors.As(err, &lost) && lost.Verdict == nil
}

// ownerKey is the key of a context's owner.
type ownerKey struct{}

// WithOwner says on whose behalf a module is prepared or loaded (Options.Judge).
func WithOwner(ctx context.Context, owner any) context.Context {
	return context.WithValue(ctx, ownerKey{}, owner)
}

// ownerOf is whom WithOwner named, or nil.
func ownerOf(ctx context.Context) any { return ctx.Value(ownerKey{}) }
