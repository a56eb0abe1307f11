// Items: the permissions that extensions add, and the roles they join.

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

// Item is one permission of an extension.
type Item struct {
	Permission Permission // "<extension>/<name>"
	Scope      Kind       // what it is about
	Title      string
	Defaults   []string // roles of that kind that have it from the start; stronger ones have it too
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
	compile(x.roles, x.items)
	x.known = knownPermissions(x.items)
	x.mu.Unlock()
	x.notify()
	return nil
}

// RemoveItems takes an extension's items away; nobody has them any more.
func (x *Index) RemoveItems(extension string) {
	_ = x.SetItems(extension, nil) // no items cannot be refused
}

// knownPermissions are all that there are, sorted by name.
func knownPermissions(items map[string][]Item) []Permission {
	var all []Permission
	for p := range core {
		all = append(all, p)
	}
	for _, list := range items {
		for _, it := range list {
			all = append(all, it.Permission)
		}
	}
	slices.Sort(all)
	return all
}
