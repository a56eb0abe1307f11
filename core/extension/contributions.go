// Contributions: where in the console the installed extensions appear, for one
// person in one scope. No code of an extension runs for it.
package extension

import (
	"cmp"
	"maps"
	"slices"

	"github.com/atoll-platform/atoll/core/access"
	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// Contribution is one place in the console, for one person.
type Contribution struct {
	Extension string           `json:"extension"`
	Version   string           `json:"version"`
	Digest    string           `json:"digest"`
	Title     string           `json:"title"` // of the extension
	Slot      catalogue.Slot   `json:"slot"`
	ID        string           `json:"id"`
	Label     string           `json:"label,omitempty"`
	Icon      catalogue.Icon   `json:"icon,omitempty"`
	Route     string           `json:"route,omitempty"`
	Fragment  string           `json:"fragment,omitempty"`
	Match     *catalogue.Match `json:"match,omitempty"`
	Order     int              `json:"order"`
	// Allowed tells whether the person may use it; otherwise it is shown
	// disabled, and Missing says which permission would be needed where.
	Allowed bool   `json:"allowed"`
	Missing string `json:"missing,omitempty"`
}

// Contributions are the places of all extensions in a scope, in their order, with
// words in the language of an Accept-Language. Those of narrower scopes than the
// one asked for are left out.
func (h *Host) Contributions(s access.Subject, sc access.Scope, accept string) []Contribution {
	all := []Contribution{}
	current := h.current.Load().active
	for _, name := range slices.Sorted(maps.Keys(current)) {
		a := current[name]
		if a.pkg == nil {
			continue
		}
		lang := a.pkg.language(accept)
		for _, c := range a.pkg.Contributions {
			if !within(c, sc) {
				continue
			}
			one := Contribution{
				Extension: a.Name, Version: a.Version, Digest: a.Digest, Title: a.pkg.Manifest.Title.In(lang),
				Slot: c.Slot, ID: c.ID, Label: a.pkg.words(lang, c.Label), Icon: c.Icon, Route: c.Route, Fragment: c.Fragment,
				Match: c.Match, Order: c.Order, Allowed: true,
			}
			if m := h.lacks(s, a, c, sc); m != nil {
				one.Allowed, one.Missing = false, string(m.Permission)+" in "+m.Scope
			}
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b Contribution) int { return cmp.Compare(a.Order, b.Order) })
	return all
}

// scopeOfSlot is the scope that a contribution appears in.
func scopeOfSlot(c catalogue.Contribution) string {
	switch c.Slot {
	case catalogue.SlotNavPlatform:
		return scopePlatform
	case catalogue.SlotNavWorkspace:
		return scopeWorkspace
	case catalogue.SlotPage:
		return string(c.Match.Scope)
	default:
		return scopeProject
	}
}

// within tells whether a contribution appears in a scope.
func within(c catalogue.Contribution, sc access.Scope) bool {
	switch scopeOfSlot(c) {
	case scopePlatform:
		return true
	case scopeWorkspace:
		return sc.Workspace != ""
	default:
		return sc.Project != ""
	}
}

// lacks is what somebody lacks for a contribution in a scope, nil for nothing.
func (h *Host) lacks(s access.Subject, a *active, c catalogue.Contribution, sc access.Scope) *missing {
	own := access.Scope{}
	switch scopeOfSlot(c) {
	case scopeWorkspace:
		own.Workspace = sc.Workspace
	case scopeProject:
		own.Cluster, own.Project = sc.Cluster, sc.Project
	}
	if m := h.may(s, a, "", own); m != nil {
		return m
	}
	for _, r := range c.Requires {
		if m := h.may(s, a, r.Permission, own); m != nil {
			return m
		}
	}
	return nil
}

// shownIn are the contributions that show a fragment in a scope.
func (a *active) shownIn(path string, sc access.Scope) []catalogue.Contribution {
	var all []catalogue.Contribution
	for _, c := range a.pkg.Contributions {
		if c.Fragment != "" && c.Fragment == path && within(c, sc) {
			all = append(all, c)
		}
	}
	return all
}
