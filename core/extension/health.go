// Health: where an extension is not asked for a while, because it ended by its own
// faults too often.
package extension

import (
	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
)

// broken are the breakers of an extension that are not closed.
func (a *active) broken() []sandbox.Health {
	all := []sandbox.Health{}
	if a.guest == nil {
		return all
	}
	for _, b := range a.guest.Health() {
		if b.State != sandbox.BreakerClosed {
			all = append(all, b)
		}
	}
	return all
}

// Broken tells where an extension is not asked for a while; ErrNotFound.
func (h *Host) Broken(name string) ([]sandbox.Health, error) {
	a, err := h.get(name)
	if err != nil {
		return nil, err
	}
	return a.broken(), nil
}

// BrokenFor tells of it what concerns the requests of a person in a scope, which
// they may see. Nothing is told of others.
func (h *Host) BrokenFor(name string, s access.Subject, sc access.Scope) ([]sandbox.Health, error) {
	a, err := h.get(name)
	if err != nil {
		return nil, err
	}
	theirs := []sandbox.Health{}
	at, wrong := h.place(s, sc)
	if wrong != nil {
		return theirs, nil
	}
	for _, b := range a.broken() {
		if b.WorkspaceUID == at.caller.WorkspaceUID && (b.UserUID == "" || b.UserUID == s.UID) {
			theirs = append(theirs, b)
		}
	}
	return theirs, nil
}
