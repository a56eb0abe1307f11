// Following the store: every replica makes of the records what this one does.
package extension

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/store"
)

// follow applies changes until ctx ends. A watch that was too slow, or whose
// history is gone, begins anew with the whole list.
func (h *Host) follow(ctx context.Context, after store.Revision) {
	for pause := time.Duration(0); ctx.Err() == nil; pause = min(2*pause+100*time.Millisecond, 5*time.Second) {
		if pause > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			all, err := h.records.All(ctx)
			if err != nil {
				h.log.Warn("installed extensions cannot be read", "error", err)
				continue
			}
			h.replace(all)
			after = all.Revision
		}
		batches, err := h.records.Watch(ctx, after)
		if err != nil {
			h.log.Warn("installed extensions cannot be watched", "error", err)
			continue
		}
		for batch := range batches {
			if batch.Err != nil {
				h.log.Warn("the watch of installed extensions ended", "error", batch.Err)
				break
			}
			h.apply(batch)
			pause = 0
		}
	}
}

// replace applies a whole list.
func (h *Host) replace(all store.ItemPage[Installation]) {
	old := h.current.Load().active
	next := make(map[string]*active, len(all.Items))
	for _, item := range all.Items {
		next[item.Name] = h.settle(old[item.Name], item)
	}
	h.swap(all.Revision, old, next)
}

// apply applies what one transaction changed.
func (h *Host) apply(batch store.ItemBatch[Installation]) {
	old := h.current.Load().active
	next := maps.Clone(old)
	for _, item := range batch.Items {
		if item.Removed {
			delete(next, item.Name)
		} else {
			next[item.Name] = h.settle(old[item.Name], item)
		}
	}
	h.swap(batch.Revision, old, next)
}

// settle is what a record makes active; what there is already stays as it is.
func (h *Host) settle(old *active, item store.Item[Installation]) *active {
	if old != nil && old.modified == item.Modified {
		return old
	}
	a := &active{Installation: item.Value, modified: item.Modified}
	a.ctx, a.end = context.WithCancel(context.Background())
	a.following, a.endFollowing = context.WithCancel(a.ctx)
	p, err := h.folder.get(a.Digest)
	if err == nil && p.Manifest.Name != item.Name {
		err = fmt.Errorf("%w: it is %q", ErrPackage, p.Manifest.Name)
	}
	if err != nil {
		h.log.Error("an installed extension cannot be used", "extension", a.Name, "version", a.Version, "error", err)
		a.failure = err.Error()
		return a
	}
	digest := a.Digest
	a.guest = h.engine.Load(sandbox.Spec{
		Name: a.Name, Version: a.Version,
		// The folder holds the module against the package's digest, each time.
		Wasm:      func() ([]byte, error) { return h.folder.module(digest) },
		Isolation: sandbox.Isolation(p.Manifest.Isolated()),
		Limits:    p.Manifest.limits(),
	})
	a.router = newRouter(p.Manifest.Routes)
	for _, r := range p.Manifest.Permissions.Kubernetes {
		a.rules = append(a.rules, r.Rule)
	}
	a.upstreams = p.Manifest.templates()
	p.Module = nil // the code is read again when it is loaded
	a.pkg = p
	h.ready(a, old)
	return a
}

// templates are the requests of each upstream; validation has checked them.
func (m *Manifest) templates() map[string][]capability.Template {
	all := make(map[string][]capability.Template, len(m.Permissions.Upstreams))
	for name, up := range m.Permissions.Upstreams {
		for _, text := range up.Requests {
			if t, err := capability.ParseTemplate(text); err == nil {
				t.Safe = t.Safe || slices.Contains(up.Safe, text)
				all[name] = append(all[name], t)
			}
		}
	}
	return all
}

// items are the permission items that an extension adds.
func (m *Manifest) items() []access.Item {
	var all []access.Item
	for _, r := range m.Roles {
		all = append(all, access.Item{
			Permission: access.Permission(m.Name + "/" + r.ID), Scope: access.Kind(r.Scope), Title: r.Title["en"], Defaults: r.Default,
		})
	}
	return all
}

// permission is the core's name of one of the extension's items.
func (a *active) permission(id string) access.Permission {
	return access.Permission(a.Name + "/" + id)
}

// swap makes a new state the current one, and ends what is no longer in it.
func (h *Host) swap(revision store.Revision, old, next map[string]*active) {
	for name, a := range next {
		switch {
		case old[name] == a:
		case a.pkg == nil:
			h.index.RemoveItems(name)
		default:
			if err := h.index.SetItems(name, a.pkg.Manifest.items()); err != nil {
				// Without its items nobody may use what needs them: it fails closed.
				h.log.Error("permission items of an extension are not taken", "extension", name, "error", err)
			}
		}
	}
	h.current.Store(&state{revision, next})
	for name, a := range old {
		if next[name] == nil {
			h.index.RemoveItems(name)
		}
		switch {
		case next[name] == nil:
			h.stopped.Go(a.close)
		case next[name] != a:
			h.stopped.Go(func() { a.outlive(h.life) })
		}
	}
	h.mu.Lock()
	close(h.applied)
	h.applied = make(chan struct{})
	h.mu.Unlock()
}

// wait returns when the host has applied a revision.
func (h *Host) wait(ctx context.Context, revision store.Revision) error {
	for {
		h.mu.Lock()
		next := h.applied
		h.mu.Unlock()
		if h.Revision() >= revision {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
		}
	}
}

// call is on whose behalf a request of the extension runs.
func (a *active) call(s access.Subject, from capability.Origin, cluster string) *capability.Call {
	return &capability.Call{Subject: s, Origin: from, Cluster: cluster, Rules: a.rules, Upstreams: a.upstreams}
}
