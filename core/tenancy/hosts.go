// Whose host names are whose: one record for all, so that two workspaces never
// have names that cover each other.

package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/atoll-platform/atoll/core/store"
)

// hostsName is the record's place under ownPrefix.
const hostsName = "hosts"

// ownPrefix is where this room keeps what no other room reads.
const ownPrefix = "tenancy/"

// maxClaims bounds the record: it must fit into one object of Kubernetes.
const maxClaims = 4096

// claims are the uids of the workspaces that have host names, by name.
type claims map[string]string

// claimOp gives a workspace these hosts in place of those it had. The guard
// fails when somebody else has claimed meanwhile. ErrExists names the host that
// is taken; changed is false where there is nothing to do.
func (t *Service) claimOp(ctx context.Context, w Workspace, hosts []string) (guard store.Guard, op store.Op, changed bool, err error) {
	item, err := t.claims.Get(ctx, hostsName)
	guard = t.claims.At(hostsName, item.Modified)
	if errors.Is(err, store.ErrNotFound) {
		guard, err = t.claims.Absent(hostsName), nil
	}
	if err != nil {
		return guard, op, false, fmt.Errorf("reading whose host names are whose: %w", err)
	}
	next := claims{}
	for host, uid := range item.Value {
		if uid == w.UID {
			changed = true
			continue
		}
		next[host] = uid
		for _, wanted := range hosts {
			if within(wanted, host) || within(host, wanted) {
				return guard, op, false, fmt.Errorf("the host %s cannot be the workspace %q's: %s belongs to another workspace and %w", wanted, w.Name, host, ErrExists)
			}
		}
	}
	for _, host := range hosts {
		next[host] = w.UID
		changed = true
	}
	if len(next) > maxClaims {
		return guard, op, false, fmt.Errorf("the hosts are %w: workspaces have %d together, %d are allowed", ErrInvalid, len(next), maxClaims)
	}
	op, err = t.claims.PutOp(hostsName, next)
	return guard, op, changed, err
}
