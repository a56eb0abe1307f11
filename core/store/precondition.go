// Preconditions: what whoever asks for a change wants to be true of the records
// that it is about, in the very transaction that changes them.

package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ErrPrecondition says that a change was not made, since its records were not in
// the state that it was meant for.
var ErrPrecondition = errors.New("the precondition does not hold")

// maxVersioned is how many records a version may tell of, so that their guards
// fit into a transaction beside those of the change itself.
const maxVersioned = MaxOps / 2

// Records are those that one thing is kept in: some by their keys, and all under
// a prefix where there is one.
type Records struct {
	Keys   []string
	Prefix string // ends in a slash; "": none
}

// Version names a state of records: another one, whatever was changed. It is the
// revisions of those that exist, in the order of their keys: of one record, its
// revision. A state never comes back, so equal versions are equal states. It is ""
// where nothing is there; a prefix is always there, and nothing under it "0".
type Version string

// Version reads the state that records are in, and the newest revision among
// them. Its guards hold until one of these records is changed, or one of Keys is
// made; one that is made under Prefix they do not see. ErrTooLarge beyond 64
// records.
func (r Records) Version(ctx context.Context, s Store) (Version, Revision, []Guard, error) {
	at := map[string]Revision{}
	for _, key := range r.Keys {
		switch one, err := s.Get(ctx, key); {
		case errors.Is(err, ErrNotFound):
			at[key] = 0
		case err != nil:
			return "", 0, nil, err
		default:
			at[key] = one.Modified
		}
	}
	if r.Prefix != "" {
		page, err := s.List(ctx, r.Prefix, ListOptions{Limit: maxVersioned})
		if err != nil {
			return "", 0, nil, err
		}
		if page.More {
			return "", 0, nil, fmt.Errorf("%w: more than %d records under %s", ErrTooLarge, maxVersioned, r.Prefix)
		}
		for _, one := range page.Records {
			at[one.Key] = one.Modified
		}
	}
	var newest Revision
	var parts []string
	var guards []Guard
	for _, key := range slices.Sorted(maps.Keys(at)) {
		guards = append(guards, At(key, at[key])) // at 0: absent
		if at[key] > 0 {
			parts = append(parts, strconv.FormatUint(uint64(at[key]), 10))
		}
		newest = max(newest, at[key])
	}
	if len(parts) == 0 && r.Prefix != "" {
		parts = []string{"0"}
	}
	return Version(strings.Join(parts, ".")), newest, guards, nil
}

// has tells whether an operation is about one of the records.
func (r Records) has(o Op) bool {
	return slices.Contains(r.Keys, o.key) || r.Prefix != "" && strings.HasPrefix(o.key, r.Prefix)
}

// precondition holds for the commits of a context, up to the one that changes
// its records.
type precondition struct {
	of    Records
	holds func(Version) bool

	mu    sync.Mutex
	spent bool
}

type preconditionKey struct{}

// WithPrecondition gives a context whose commits, in a Conditional store, are
// made only while holds says yes to the version of the records; they fail with
// ErrPrecondition otherwise. The commit that changes the records is the last one
// that it counts for: what belongs to the same request and comes after it finds
// them changed by itself.
func WithPrecondition(ctx context.Context, of Records, holds func(Version) bool) context.Context {
	return context.WithValue(ctx, preconditionKey{}, &precondition{of: of, holds: holds})
}

// Conditional is a store that heeds the preconditions of contexts.
func Conditional(s Store) Store { return conditional{s} }

type conditional struct{ Store }

// Commit implements Store. Whether the precondition holds is read first; guards
// on what was read make it true in the transaction too.
func (c conditional) Commit(ctx context.Context, guards []Guard, ops ...Op) (Revision, error) {
	p, _ := ctx.Value(preconditionKey{}).(*precondition)
	if p == nil {
		return c.Store.Commit(ctx, guards, ops...)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spent {
		return c.Store.Commit(ctx, guards, ops...)
	}
	for {
		version, _, pinned, err := p.of.Version(ctx, c.Store)
		if err != nil {
			return 0, fmt.Errorf("reading what a precondition is about: %w", err)
		}
		if !p.holds(version) {
			return 0, ErrPrecondition
		}
		rev, err := c.Store.Commit(ctx, slices.Concat(guards, pinned), ops...)
		if err == nil {
			p.spent = slices.ContainsFunc(ops, p.of.has)
			return rev, nil
		}
		if !errors.Is(err, ErrConflict) {
			return 0, err
		}
		// Where it was the caller's own guard that failed, the caller knows what
		// to do. Otherwise the records are in another state, which may be as good.
		now, _, _, readErr := p.of.Version(ctx, c.Store)
		if readErr != nil || now == version {
			return 0, errors.Join(err, readErr)
		}
	}
}
