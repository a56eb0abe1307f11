// Recordings of an extension's instances, for platform administrators.
package extension

import (
	"context"
	"fmt"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/recording"
)

// Record records the next instance of an extension that requests of a workspace,
// of a user or of both meet, as sandbox.Guest.Record does. A version that is
// replaced meanwhile does not wait for it, and ends it. Errors wrap ErrNotFound or are Record's.
func (h *Host) Record(ctx context.Context, name, workspace, user string, o sandbox.RecordOptions) (*recording.Recording, error) {
	a, err := h.get(name)
	if err != nil {
		return nil, err
	}
	if a.guest == nil {
		return nil, fmt.Errorf("%w that can be used: %q", ErrNotFound, name)
	}
	if workspace != "" {
		w, ok := h.index.Workspace(workspace)
		if !ok {
			return nil, fmt.Errorf("recording %s: %w: there is no workspace %q", name, ErrNotFound, workspace)
		}
		o.Caller.Workspace, o.Caller.WorkspaceUID = w.Name, w.UID
	}
	if user != "" {
		u, ok := h.index.Account(user)
		if !ok {
			return nil, fmt.Errorf("recording %s: %w: there is no user %q", name, ErrNotFound, user)
		}
		o.Caller.User, o.Caller.UserUID = u.Name, u.UID
	}
	return a.guest.Record(ctx, o)
}
