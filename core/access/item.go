// Items: permissions as they are described and depend on each other; those that
// extensions add, and the roles they join.

package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Limits of what one extension may add.
const (
	maxItems      = 64
	maxPermission = 128
)

// ErrInvalidItem says that an extension's item is not as it must be.
var ErrInvalidItem = errors.New("the permission item is not valid")

// Item is one permission, of the core or of an extension.
type Item struct {
	Permission  Permission // an extension's is "<extension>/<name>"
	Scope       Kind       // what it is about
	Title       string
	Description string
	Needs       []Permission // who has it has these too
	Defaults    []string     // an extension's: roles of that kind that have it from the start; stronger ones have it too
}

// CheckItems tells whether an extension may add these items. ErrInvalidItem
// says what is wrong with which.
func CheckItems(extension string, items []Item) error {
	if len(items) > maxItems {
		return fmt.Errorf("%w: %d items, %d are allowed", ErrInvalidItem, len(items), maxItems)
	}
	seen := map[Permission]bool{}
	for _, it := range items {
		name, ok := strings.CutPrefix(string(it.Permission), extension+"/")
		switch {
		case !ok || name == "" || extension == "" || len(it.Permission) > maxPermission:
			return fmt.Errorf("%w: %q must be %q and a name, %d bytes at most", ErrInvalidItem, it.Permission, extension+"/", maxPermission)
		case seen[it.Permission]:
			return fmt.Errorf("%w: %q is there twice", ErrInvalidItem, it.Permission)
		case it.Scope != KindPlatform && it.Scope != KindWorkspace && it.Scope != KindProject:
			return fmt.Errorf("%w: the scope of %q is %q; there are %s, %s, %s", ErrInvalidItem, it.Permission, it.Scope, KindPlatform, KindWorkspace, KindProject)
		}
		seen[it.Permission] = true
		for _, r := range it.Defaults {
			if k, ok := RoleKind(r); !ok || k != it.Scope {
				return fmt.Errorf("%w: %q cannot join the role %q; at its scope there are %s", ErrInvalidItem, it.Permission, r, strings.Join(RoleNames(it.Scope), ", "))
			}
		}
	}
	return nil
}

// SetItems makes these the items of an extension, in place of those it had.
// Nothing changes when CheckItems refuses them.
func (x *Index) SetItems(extension string, items []Item) error {
	if err := CheckItems(extension, items); err != nil {
		return err
	}
	items = slices.Clone(items)
	x.mu.Lock()
	if len(items) == 0 {
		delete(x.items, extension)
	} else {
		x.items[extension] = items
	}
	x.catalogue = newCatalogue(x.items)
	compile(x.presets, x.items)
	x.state.compile(x.catalogue)
	x.mu.Unlock()
	x.notify()
	return nil
}

// RemoveItems takes an extension's items away; nobody has them any more.
func (x *Index) RemoveItems(extension string) {
	_ = x.SetItems(extension, nil) // no items cannot be refused
}

// catalogue is every permission that there is.
type catalogue struct {
	items map[Permission]Item
	names []Permission // sorted
}

// newCatalogue adds the items of extensions to the core's. Of an extension, who
// manages something sees it.
func newCatalogue(items map[string][]Item) catalogue {
	c := catalogue{items: make(map[Permission]Item, len(coreItems))}
	add := func(it Item) {
		c.items[it.Permission] = it
		c.names = append(c.names, it.Permission)
	}
	for _, it := range coreItems {
		add(it)
	}
	for _, list := range items {
		for _, it := range list {
			if of, ok := strings.CutSuffix(string(it.Permission), manage); ok {
				see := Permission(of + view)
				if slices.ContainsFunc(list, func(other Item) bool { return other.Permission == see }) {
					it.Needs = append(slices.Clone(it.Needs), see)
				}
			}
			add(it)
		}
	}
	slices.Sort(c.names)
	return c
}

// closure is what a role of a kind has that is made of these permissions: they,
// what they need, and the view of where it is given. What there is not, and what
// is about a wider scope than the role's, is not among it.
func (c catalogue) closure(k Kind, permissions []Permission) map[Permission]struct{} {
	has := map[Permission]struct{}{}
	var add func(p Permission)
	add = func(p Permission) {
		it, ok := c.items[p]
		if _, had := has[p]; had || !ok || it.Scope.width() > k.width() {
			return
		}
		has[p] = struct{}{}
		for _, need := range it.Needs {
			add(need)
		}
	}
	switch k {
	case KindWorkspace:
		add(WorkspacesView)
	case KindProject:
		add(ProjectsView)
	}
	for _, p := range permissions {
		add(p)
	}
	return has
}

// Items are all permissions that there are, sorted by name.
func (x *Index) Items() []Item {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := make([]Item, len(x.catalogue.names))
	for i, p := range x.catalogue.names {
		all[i] = x.catalogue.items[p]
	}
	return all
}

// Fits tells whether there is a permission, and a role of a kind may have it.
func (x *Index) Fits(p Permission, k Kind) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	it, ok := x.catalogue.items[p]
	return ok && it.Scope.width() <= k.width()
}
