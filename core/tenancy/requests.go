// Access requests: people ask for a role or a permission, and who may give it
// decides.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Limits of access requests.
const (
	maxRequests     = 5000 // that are kept, decided ones too
	maxPending      = 16   // of one person
	maxReason       = 1000
	requestOpen     = 14 * 24 * time.Hour // for which a request can be decided
	requestKept     = 90 * 24 * time.Hour // for which it is kept afterwards
	maxPrunedAtOnce = 64
)

// States of a request.
const (
	RequestPending  = "pending"
	RequestApproved = "approved"
	RequestDeclined = "declined"
	RequestExpired  = "expired" // nobody decided
)

// AccessRequest is what somebody asks for. The scope is by names, as it was
// asked: whether there is such a place is not told to who does not see it.
type AccessRequest struct {
	UID          string            `json:"uid"`
	RequesterUID string            `json:"requesterUID"`
	Cluster      string            `json:"cluster,omitempty"`
	Workspace    string            `json:"workspace,omitempty"`
	Project      string            `json:"project,omitempty"`
	Role         string            `json:"role,omitempty"`       // either a role, as bindings call it,
	Permission   access.Permission `json:"permission,omitempty"` // or a permission
	Reason       string            `json:"reason"`
	CreatedAt    time.Time         `json:"createdAt"`

	State     string    `json:"state"`
	DecidedBy string    `json:"decidedBy,omitempty"` // uid
	DecidedAt time.Time `json:"decidedAt,omitzero"`
	Comment   string    `json:"comment,omitempty"`
	Given     string    `json:"given,omitempty"` // the role that was given
	Until     time.Time `json:"until,omitzero"`  // and its end
}

// Scope is where access is asked for.
func (r AccessRequest) Scope() access.Scope {
	return access.Scope{Cluster: r.Cluster, Workspace: r.Workspace, Project: r.Project}
}

// now is the request as it is at a moment.
func (r AccessRequest) now(now time.Time) AccessRequest {
	if r.State == RequestPending && now.After(r.CreatedAt.Add(requestOpen)) {
		r.State = RequestExpired
	}
	return r
}

func (t *Service) requests() store.Collection[AccessRequest] {
	return store.NewCollection[AccessRequest](t.store, "access-requests/")
}

// Requests are all that are kept, in the order of their uids.
func (t *Service) Requests(ctx context.Context) ([]AccessRequest, error) {
	page, err := t.requests().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading access requests: %w", err)
	}
	all := make([]AccessRequest, 0, len(page.Items))
	for _, item := range page.Items {
		all = append(all, item.Value.now(t.now()))
	}
	return all, nil
}

// Request reads one. ErrNotFound.
func (t *Service) Request(ctx context.Context, uid string) (AccessRequest, error) {
	item, err := t.request(ctx, uid)
	return item.Value.now(t.now()), err
}

func (t *Service) request(ctx context.Context, uid string) (store.Item[AccessRequest], error) {
	if uid == "" || strings.Contains(uid, "/") {
		return store.Item[AccessRequest]{}, fmt.Errorf("the access request %q is %w", uid, ErrNotFound)
	}
	item, err := t.requests().Get(ctx, uid)
	if errors.Is(err, store.ErrNotFound) {
		return item, fmt.Errorf("the access request %q is %w", uid, ErrNotFound)
	}
	if err != nil {
		return item, fmt.Errorf("reading access request %q: %w", uid, err)
	}
	return item, nil
}

// Ask adds a request of somebody: of r the scope, the role or permission and the
// reason. ErrInvalid; ErrExists when the same is asked for already.
func (t *Service) Ask(ctx context.Context, by access.Subject, r AccessRequest) (AccessRequest, error) {
	account, ok := t.index.AccountByUID(by.UID)
	if !ok || account.Robot {
		return r, fmt.Errorf("asking for access is %w here: people ask, for themselves", ErrDenied)
	}
	if err := t.checkRequest(r); err != nil {
		return r, err
	}
	r = AccessRequest{
		UID: access.NewUID(), RequesterUID: by.UID, Cluster: r.Cluster, Workspace: r.Workspace, Project: r.Project,
		Role: r.Role, Permission: r.Permission, Reason: r.Reason, CreatedAt: t.now(), State: RequestPending,
	}
	page, err := t.requests().All(ctx)
	if err != nil {
		return r, fmt.Errorf("reading access requests: %w", err)
	}
	var ops []store.Op
	pending := 0
	for _, item := range page.Items {
		one := item.Value.now(t.now())
		switch {
		case one.State != RequestPending && t.now().After(one.CreatedAt.Add(requestOpen+requestKept)):
			if len(ops) < maxPrunedAtOnce {
				ops = append(ops, t.requests().DeleteOp(item.Name))
			}
		case one.State == RequestPending && one.RequesterUID == by.UID:
			pending++
			if one.Scope() == r.Scope() && one.Role == r.Role && one.Permission == r.Permission {
				return r, fmt.Errorf("this request %w and waits for a decision", ErrExists)
			}
		}
	}
	if pending >= maxPending || len(page.Items)-len(ops) >= maxRequests {
		return r, fmt.Errorf("one more access request is %w now: a person may have %d that wait, and %d are kept of all", ErrInvalid, maxPending, maxRequests)
	}
	put, err := t.requests().PutOp(r.UID, r)
	if err != nil {
		return r, err
	}
	if err := t.commit(ctx, []store.Guard{store.Absent(t.requests().Key(r.UID))}, append(ops, put)...); err != nil {
		return r, fmt.Errorf("asking for access: %w", err)
	}
	return r, nil
}

// checkRequest looks at what is public only: whether there is such a place, or
// such a custom role, is for who decides to see.
func (t *Service) checkRequest(r AccessRequest) error {
	sc := r.Scope()
	switch {
	case (r.Role == "") == (r.Permission == ""):
		return fmt.Errorf("the access request is %w: it asks for a role or for a permission", ErrInvalid)
	case sc.Cluster != "" && sc.Project == "", sc.Project != "" && (sc.Cluster == "" || sc.Workspace != ""):
		return fmt.Errorf("the scope of the access request is %w: nothing for the platform, a workspace, or a project with its cluster", ErrInvalid)
	case len(r.Reason) > maxReason:
		return fmt.Errorf("the reason is %w: it has %d bytes, %d are allowed", ErrInvalid, len(r.Reason), maxReason)
	}
	for _, one := range []struct{ kind, name string }{{"cluster", sc.Cluster}, {"workspace", sc.Workspace}, {"project", sc.Project}} {
		if one.name != "" {
			if err := checkName(one.kind, one.name); err != nil {
				return err
			}
		}
	}
	if kind, preset := access.RoleKind(r.Role); preset && kind != sc.Kind() {
		return fmt.Errorf("the role %q is %w for a %s", r.Role, ErrInvalid, sc.Kind())
	}
	if r.Permission != "" && !t.index.Fits(r.Permission, sc.Kind()) {
		return fmt.Errorf("the permission %q is %w: there is none such that a role of a %s has", r.Permission, ErrInvalid, sc.Kind())
	}
	return nil
}

// Withdraw takes back a request of one's own that waits. ErrNotFound, ErrDecided.
func (t *Service) Withdraw(ctx context.Context, by access.Subject, uid string) error {
	return again(ctx, func() error {
		item, err := t.request(ctx, uid)
		if err != nil {
			return err
		}
		if item.Value.RequesterUID != by.UID {
			return fmt.Errorf("the access request %q is %w", uid, ErrNotFound)
		}
		if item.Value.State != RequestPending {
			return fmt.Errorf("the access request is %w: it is %s", ErrDecided, item.Value.State)
		}
		return t.commit(ctx, []store.Guard{t.requests().At(uid, item.Modified)}, t.requests().DeleteOp(uid))
	})
}

// Decision is the answer to a request.
type Decision struct {
	Approve bool
	Role    string    // approved: what is given; "" for the role that was asked for
	Until   time.Time // approved: when it ends by itself; zero: never
	Comment string
}

// Decide answers a request that waits, and gives the role in the same
// transaction. Whether the one who decides may is the caller's to ask. ErrInvalid,
// ErrNotFound; ErrDenied for one's own; ErrDecided.
func (t *Service) Decide(ctx context.Context, by access.Subject, uid string, d Decision) (AccessRequest, error) {
	var r AccessRequest
	err := again(ctx, func() error {
		item, err := t.request(ctx, uid)
		if err != nil {
			return err
		}
		r = item.Value.now(t.now())
		switch {
		case r.RequesterUID == by.UID:
			return fmt.Errorf("deciding about one's own access request is %w", ErrDenied)
		case r.State != RequestPending:
			return fmt.Errorf("the access request is %w: it is %s", ErrDecided, r.State)
		case len(d.Comment) > maxReason:
			return fmt.Errorf("the comment is %w: it has %d bytes, %d are allowed", ErrInvalid, len(d.Comment), maxReason)
		}
		r.State, r.DecidedBy, r.DecidedAt, r.Comment = RequestDeclined, by.UID, t.now(), d.Comment
		var ops []store.Op
		if d.Approve {
			r.State, r.Given, r.Until = RequestApproved, d.Role, d.Until
			if r.Given == "" {
				r.Given = r.Role
			}
			give, err := t.giveOp(r)
			if err != nil {
				return err
			}
			ops = append(ops, give)
		}
		put, err := t.requests().PutOp(uid, r)
		if err != nil {
			return err
		}
		return t.commit(ctx, []store.Guard{t.requests().At(uid, item.Modified)}, append(ops, put)...)
	})
	return r, err
}

// giveOp is what gives the role of an approved request.
func (t *Service) giveOp(r AccessRequest) (store.Op, error) {
	if _, ok := t.index.AccountByUID(r.RequesterUID); !ok {
		return store.Op{}, fmt.Errorf("the person who asked is %w any more", ErrNotFound)
	}
	if r.Given == "" {
		return store.Op{}, fmt.Errorf("the decision is %w: a permission is asked for, and it does not name the role to be given", ErrInvalid)
	}
	given, ok := t.index.Role(r.Given)
	if !ok {
		return store.Op{}, fmt.Errorf("the role %q is %w: there is none such", r.Given, ErrInvalid)
	}
	if r.Permission != "" && !slices.Contains(given.Permissions, r.Permission) {
		return store.Op{}, fmt.Errorf("the role %q is %w here: it does not have %s, which is asked for", given.Name, ErrInvalid, r.Permission)
	}
	b := access.Binding{SubjectUID: r.RequesterUID, Role: r.Given, Until: r.Until}
	switch sc := r.Scope(); sc.Kind() {
	case access.KindProject:
		p, ok := t.index.Project(sc.Cluster, sc.Project)
		if !ok {
			return store.Op{}, fmt.Errorf("the project %q in cluster %q is %w", sc.Project, sc.Cluster, ErrNotFound)
		}
		b.Scope = access.BindingScope{Kind: access.KindProject, UID: p.UID}
	case access.KindWorkspace:
		w, ok := t.index.Workspace(sc.Workspace)
		if !ok {
			return store.Op{}, fmt.Errorf("the workspace %q is %w", sc.Workspace, ErrNotFound)
		}
		b.Scope = access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}
	default:
		b.Scope = access.BindingScope{Kind: access.KindPlatform}
	}
	return t.GiveOp(b)
}

// GiveOp is what gives a person a role beside what they have, on the platform
// too, for a transaction; it takes nothing away. The person may be one whom the
// transaction makes. ErrInvalid, ErrExists.
func (t *Service) GiveOp(b access.Binding) (store.Op, error) {
	given, ok := t.index.Role(b.Role)
	if !ok {
		return store.Op{}, fmt.Errorf("the role %q is %w: there is none such", b.Role, ErrInvalid)
	}
	for _, had := range t.index.BindingsOf(b.SubjectUID) {
		if had.Scope != b.Scope || !had.Until.IsZero() {
			continue
		}
		if had.Role == b.Role {
			return store.Op{}, fmt.Errorf("the role %q of this person there %w", given.Name, ErrExists)
		}
		// In a workspace or project a role that stays takes the place of another.
		old, ok := t.index.Role(had.Role)
		if ok && b.Until.IsZero() && b.Scope.Kind != access.KindPlatform && !containsAll(given.Permissions, old.Permissions) {
			return store.Op{}, fmt.Errorf("the role %q is %w here: it would take the place of %q, which has more; give it for a time, or a role that has both", given.Name, ErrInvalid, old.Name)
		}
	}
	if b.Scope.Kind != access.KindPlatform {
		return t.BindOp(b)
	}
	if given.Kind != access.KindPlatform {
		return store.Op{}, fmt.Errorf("the role %q is %w on the platform", given.Name, ErrInvalid)
	}
	if !b.Until.IsZero() && !t.now().Before(b.Until) {
		return store.Op{}, fmt.Errorf("the end of the role, %s, is %w: it has passed", b.Until.Format(time.RFC3339), ErrInvalid)
	}
	return access.PlatformGrantOp(t.store, b.SubjectUID, b.Role, b.Until)
}

func containsAll(all, wanted []access.Permission) bool {
	return !slices.ContainsFunc(wanted, func(p access.Permission) bool { return !slices.Contains(all, p) })
}

// sweep deletes the records of memberships that have ended, from time to time:
// they give nothing any more.
func (t *Service) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := t.deleteEnded(ctx); err != nil && ctx.Err() == nil {
			t.options.Logger.Warn("deleting memberships that have ended", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (t *Service) deleteEnded(ctx context.Context) error {
	for key := range t.index.Ended(t.now()) {
		name := strings.TrimPrefix(key, access.BindingPrefix)
		item, err := t.bindings.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if item.Value.Until.IsZero() || t.now().Before(item.Value.Until) {
			continue // given anew
		}
		err = t.commit(ctx, []store.Guard{t.bindings.At(name, item.Modified)}, t.bindings.DeleteOp(name))
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}
