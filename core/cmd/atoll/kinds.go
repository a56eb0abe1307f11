// What a kind of thing is to the commands, and where things live.

package main

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// kind is one kind of thing.
type kind struct {
	name             string // in documents
	singular, plural string // on the command line
	short            string // on the command line too; "" for none
	lives            []home // where
	list             func(place) string
	get              func(place, string) string // nil: one is looked for in the list
	key              string                     // of an item: its name
	spec             []string                   // keys of an item that are its spec; what else there is, is its status
	adjust           func(item map[string]any, d *document)
	more             func(context.Context, *client, *document) error // asks for what the item does not say
	columns          []column

	form     *form                      // how documents look and are made true; nil: none is applied
	remove   func(place, string) string // the path to delete one; nil: none is deleted here
	asks     bool                       // whoever deletes one types its name once more
	confirms bool                       // and the API wants to be told
}

// home is where things of a kind live.
type home int

const (
	onPlatform home = iota
	inWorkspace
	inProject
	inCluster // is named with its cluster
)

// place is where a thing lives: the platform (zero), a workspace, or a project
// of a cluster. A cluster alone narrows a list; a robot of the workspace has tokens.
type place struct{ workspace, cluster, project, robot string }

func (p place) home() home {
	switch {
	case p.project != "":
		return inProject
	case p.workspace != "":
		return inWorkspace
	}
	return onPlatform
}

// path is the place as a path of the API begins with it.
func (p place) path() string {
	switch p.home() {
	case inProject:
		return "/api/v1/clusters/" + url.PathEscape(p.cluster) + "/projects/" + url.PathEscape(p.project)
	case inWorkspace:
		return "/api/v1/workspaces/" + url.PathEscape(p.workspace)
	}
	return "/api/v1"
}

func (p place) String() string {
	switch p.home() {
	case inProject:
		return "project " + p.cluster + "/" + p.project
	case inWorkspace:
		return "workspace " + p.workspace
	}
	return "platform"
}

// column is one column of a table.
type column struct {
	title string
	wide  bool // shown in wide tables only
	of    func(document) string
}

// below is a list that hangs below its place.
func below(what string) func(place) string {
	return func(p place) string { return p.path() + "/" + what }
}

// oneBelow is a thing of such a list.
func oneBelow(what string) func(place, string) string {
	return func(p place, name string) string { return p.path() + "/" + what + "/" + url.PathEscape(name) }
}

// projectPath is that of a project, whose place is its cluster.
func projectPath(p place, name string) string { return place{cluster: p.cluster, project: name}.path() }

// kindOf finds a kind by how it is called on a command line or in a document.
func kindOf(word string) (*kind, error) {
	for _, k := range kinds {
		if word == k.name || strings.EqualFold(word, k.singular) || strings.EqualFold(word, k.plural) || k.short != "" && strings.EqualFold(word, k.short) {
			return k, nil
		}
	}
	return nil, wrongUse("there is no kind %q; there are: %s", word, kindList(func(*kind) bool { return true }))
}

// kindNames are the names of kinds on the command line.
func kindNames(fits func(*kind) bool) []string {
	var names []string
	for _, k := range kinds {
		if fits(k) {
			names = append(names, k.plural)
		}
	}
	return names
}

func kindList(fits func(*kind) bool) string { return strings.Join(kindNames(fits), ", ") }

// at tells whether things of a kind live in a place, or are listed for it.
func (k *kind) at(p place) error {
	h := p.home()
	if p.robot != "" {
		if k.name == "Token" && h == inWorkspace {
			return nil
		}
		return wrongUse("--robot is for tokens, with --workspace")
	}
	if slices.Contains(k.lives, h) || h != inProject && slices.Contains(k.lives, inCluster) {
		return nil
	}
	var where []string
	for _, l := range k.lives {
		switch l {
		case onPlatform:
			where = append(where, "without a place")
		case inWorkspace:
			where = append(where, "with --workspace")
		case inProject:
			where = append(where, "with --project")
		case inCluster:
			where = append(where, "without a place, or with --workspace or --cluster")
		}
	}
	return wrongUse("%s are asked for %s", k.plural, strings.Join(where, ", or "))
}
