// What resources a cluster has, as far as the proxy must know: whether they
// lie in namespaces and what their objects are called.

package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// resource is one line of a cluster's discovery.
type resource struct {
	Name       string   `json:"name"`
	Kind       string   `json:"kind"`
	Namespaced bool     `json:"namespaced"`
	Verbs      []string `json:"verbs"`
}

const (
	resourcesFresh = 30 * time.Second // how long a group version is believed
	resourcesAgain = time.Second      // how soon an unknown resource is looked for again
	resourcesWait  = 10 * time.Second // how long an API server may take to tell
)

// resources remembers the discovery of one connection, one group version at a
// time, as the platform itself asks for it: what exists is no secret.
type resources struct {
	conn *connection

	mu     sync.Mutex
	groups map[string]*groupVersion
}

type groupVersion struct {
	mu     sync.Mutex // held while it is asked for, so that it is asked once
	asked  time.Time
	byName map[string]resource
}

func newResources(c *connection) *resources {
	return &resources{conn: c, groups: map[string]*groupVersion{}}
}

const maxGroupVersions = 1024

// find tells what a resource is; false when the cluster has none of that name
// or does not say.
func (r *resources) find(ctx context.Context, t *target) (resource, bool) {
	key := t.apiVersion()
	r.mu.Lock()
	g := r.groups[key]
	if g == nil {
		if len(r.groups) >= maxGroupVersions {
			clear(r.groups)
		}
		g = &groupVersion{}
		r.groups[key] = g
	}
	r.mu.Unlock()

	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.byName[t.resource]
	age := time.Since(g.asked)
	if ok && age < resourcesFresh || !ok && !g.asked.IsZero() && age < resourcesAgain {
		return found, ok
	}
	path := "/api/" + t.version
	if t.group != "" {
		path = "/apis/" + t.group + "/" + t.version
	}
	text, status, err := r.conn.ask(ctx, resourcesWait, path)
	if ctx.Err() != nil {
		return found, ok
	}
	var list struct {
		Resources []resource `json:"resources"`
	}
	switch {
	case err == nil && status == http.StatusOK && json.Unmarshal(text, &list) == nil:
		g.byName = make(map[string]resource, len(list.Resources))
		for _, one := range list.Resources {
			g.byName[one.Name] = one
		}
	case err == nil && status == http.StatusNotFound:
		g.byName = nil
	}
	g.asked = time.Now()
	found, ok = g.byName[t.resource]
	return found, ok
}
