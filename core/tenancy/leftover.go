// What people made in projects that gives rights whether or not they have any
// there themselves: one record for each person and project, bounded, written by
// the proxy as kube.Ledger.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

const leftoverPrefix = "leftovers/"

// maxMade is how many such things one person may have in one project.
const maxMade = 256

// Leftover is one thing that a person has made.
type Leftover struct {
	Kind  string    `json:"kind"` // kube.MadeServiceAccount and the others
	Name  string    `json:"name"`
	UID   string    `json:"uid"` // Kubernetes' id of the object
	At    time.Time `json:"at"`  // when it was made, or changed last
	Until time.Time `json:"until,omitzero"`
}

// made is what one person has made in one project.
type made struct {
	Name  string     `json:"name"` // the person's; it is never given to another
	Items []Leftover `json:"items"`
}

func leftoverName(projectUID, subjectUID string) string { return projectUID + "/" + subjectUID }

// noting are the writes that are on their way, by the name of their record. Who
// looks for what a person has made waits for those that began before.
type noting struct {
	mu   sync.Mutex
	each map[string]map[chan struct{}]struct{}
}

func (n *noting) begin(name string) (end func()) {
	over := make(chan struct{})
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.each == nil {
		n.each = map[string]map[chan struct{}]struct{}{}
	}
	if n.each[name] == nil {
		n.each[name] = map[chan struct{}]struct{}{}
	}
	n.each[name][over] = struct{}{}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		close(over)
		if delete(n.each[name], over); len(n.each[name]) == 0 {
			delete(n.each, name)
		}
	}
}

// settle waits for those that have begun.
func (n *noting) settle(ctx context.Context, name string) error {
	n.mu.Lock()
	var begun []chan struct{}
	for over := range n.each[name] {
		begun = append(begun, over)
	}
	n.mu.Unlock()
	for _, over := range begun {
		select {
		case <-over:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Begin implements kube.Ledger. Who has as much as they may is refused, once what
// is not there any more has been left out.
func (t *Service) Begin(ctx context.Context, by access.Subject, p access.Project) (func(context.Context, *kube.Made) error, error) {
	name := leftoverName(p.UID, by.UID)
	if err := t.room(ctx, p, name); err != nil {
		return nil, err
	}
	end := t.noting.begin(name)
	return func(ctx context.Context, m *kube.Made) error {
		defer end()
		if m == nil {
			return nil
		}
		return t.note(ctx, name, by.Name, Leftover{Kind: m.Kind, Name: m.Name, UID: m.UID, At: t.now(), Until: m.Until})
	}, nil
}

// room makes place for one more in a record, or says why there is none.
func (t *Service) room(ctx context.Context, p access.Project, name string) error {
	item, err := t.leftovers.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what this person has made: %w", err)
	}
	if len(item.Value.Items) < maxMade {
		return nil
	}
	there, err := t.there(ctx, p, item.Value.Items)
	if err != nil {
		return err
	}
	if len(there) >= maxMade {
		return fmt.Errorf("one person has at most %d service accounts, bindings and tokens of their own making in a project: delete some", maxMade)
	}
	gone := slices.DeleteFunc(item.Value.Items, func(one Leftover) bool { return slices.Contains(there, one) })
	return t.drop(ctx, name, gone)
}

// drop takes things out of a record; one that was noted anew meanwhile stays.
func (t *Service) drop(ctx context.Context, name string, gone []Leftover) error {
	return again(ctx, func() error {
		item, err := t.leftovers.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading what this person has made: %w", err)
		}
		next := item.Value
		next.Items = slices.DeleteFunc(next.Items, func(one Leftover) bool { return slices.Contains(gone, one) })
		if len(next.Items) == 0 {
			_, err = t.leftovers.Delete(ctx, name, item.Modified)
		} else {
			_, err = t.leftovers.Update(ctx, name, next, item.Modified)
		}
		return err
	})
}

// note adds one thing to a record.
func (t *Service) note(ctx context.Context, name, person string, one Leftover) error {
	err := again(ctx, func() error {
		item, err := t.leftovers.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			_, err = t.leftovers.Create(ctx, name, made{Name: person, Items: []Leftover{one}})
			return err
		}
		if err != nil {
			return err
		}
		next := made{Name: person, Items: merge(item.Value.Items, one)}
		_, err = t.leftovers.Update(ctx, name, next, item.Modified)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting what a person has made: %w", err)
	}
	return nil
}

// merge adds one thing, or says anew what is there: of a service account's tokens
// the one that lives longest.
func merge(items []Leftover, one Leftover) []Leftover {
	for i, have := range items {
		if have.Kind == one.Kind && have.UID == one.UID {
			if one.Until.Before(have.Until) {
				one.Until = have.Until
			}
			items[i] = one
			return items
		}
	}
	return append(items, one)
}
