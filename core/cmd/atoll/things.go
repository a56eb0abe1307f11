// Asking Atoll for things of a kind: all of a place, or some by their names.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// all are the things of a kind in a place.
func (k *kind) all(ctx context.Context, c *client, p place, query url.Values) ([]document, error) {
	path := k.list(p)
	for name, values := range query {
		if values[0] == "" {
			continue
		}
		path = withQuery(path, name, values[0])
	}
	items, err := c.items(ctx, path)
	if err != nil {
		return nil, err
	}
	all := make([]document, 0, len(items))
	for _, item := range items {
		if d := k.documentOf(item, p); k.name != "MemberGroup" || d.Kind == k.name {
			all = append(all, d)
		}
	}
	return all, nil
}

// some are things of a kind by their names, all of them or an error.
func (k *kind) some(ctx context.Context, c *client, p place, names []string) ([]document, error) {
	all := make([]document, 0, len(names))
	for _, name := range names {
		at := p
		if slices.Contains(k.lives, inCluster) {
			var ok bool
			if at.cluster, name, ok = splitProject(name); !ok {
				return nil, wrongUse("%q: a %s is named CLUSTER/NAME, such as local/demo", name, k.singular)
			}
		}
		d, err := k.one(ctx, c, at, name)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// one is a thing of a kind by its name.
func (k *kind) one(ctx context.Context, c *client, p place, name string) (document, error) {
	if k.get != nil {
		return k.read(ctx, c, p, k.get(p, name))
	}
	all, err := k.all(ctx, c, p, nil)
	if err != nil {
		return document{}, err
	}
	fits := slices.DeleteFunc(all, func(d document) bool {
		return d.Kind != k.name || d.Metadata.Name != name && text(d.Status["id"]) != name
	})
	if len(fits) == 0 {
		return document{}, &problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("There is no %s %q here.", k.singular, name)}
	}
	if len(fits) == 1 || fits[0].Status["id"] == nil { // a group has one role that stays, and others that end
		return fits[0], nil
	}
	ids := make([]string, len(fits))
	for i, d := range fits {
		ids[i] = text(d.Status["id"])
	}
	return document{}, wrongUse("there are several %s %q; name one by its id: %s", k.plural, name, strings.Join(ids, ", "))
}

// read is a thing of a kind in a place, by its path.
func (k *kind) read(ctx context.Context, c *client, p place, path string) (document, error) {
	var item map[string]any
	tag, err := c.read(ctx, path, &item)
	d := k.documentOf(item, p)
	d.etag = tag
	return d, err
}

// maxItems bounds a list that is read to its end.
const maxItems = 200_000

// items reads a list, page by page.
func (c *client) items(ctx context.Context, path string) ([]map[string]any, error) {
	var all []map[string]any
	for next := ""; ; {
		page := withQuery(path, "limit", "1000")
		if next != "" {
			page = withQuery(page, "continue", next)
		}
		var list struct {
			Items    []map[string]any
			Continue string
		}
		if err := c.call(ctx, http.MethodGet, page, nil, &list); err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
		if next = list.Continue; next == "" {
			return all, nil
		}
		if len(list.Items) == 0 || len(all) > maxItems {
			return nil, fmt.Errorf("the list at %s has no end after %d items", path, len(all))
		}
	}
}

func withQuery(path, name, value string) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + name + "=" + url.QueryEscape(value)
}

// isStatus tells whether an error is the API's answer of a status.
func isStatus(err error, status int) bool {
	p := (*problem)(nil)
	return errors.As(err, &p) && p.Status == status
}
