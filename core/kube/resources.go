// What resources a cluster has, as far as the proxy must know: whether they
// lie in namespaces and what their objects are called.

package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// errUnaccepted: the API server does not know Atoll itself.
var errUnaccepted = errors.New("the API server answered 401 to Atoll itself")

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
	err    error // why nothing was told when it was asked
	byName map[string]resource
}

func newResources(c *connection) *resources {
	return &resources{conn: c, groups: map[string]*groupVersion{}}
}

const maxGroupVersions = 1024

// find tells what a resource is; false when the cluster has none of that name.
// An error means that nobody knows: the cluster does not say.
func (r *resources) find(ctx context.Context, t *target) (one resource, ok bool, err error) {
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

	arrived := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.byName[t.resource]
	again := resourcesFresh
	switch {
	case ok:
	case g.err == nil:
		again = resourcesAgain
	default:
		again = time.Since(arrived) // a failure is for those who waited for it
	}
	if !g.asked.IsZero() && time.Since(g.asked) < again {
		return found, ok, g.unknown(ok)
	}
	path := "/api/" + t.version
	if t.group != "" {
		path = "/apis/" + t.group + "/" + t.version
	}
	text, status, err := r.conn.ask(ctx, resourcesWait, path)
	if ctx.Err() != nil {
		return found, ok, g.unknown(ok)
	}
	var list struct {
		Resources []resource `json:"resources"`
	}
	switch g.err = err; {
	case err != nil:
	case status == http.StatusNotFound:
		g.byName = nil
	case status == http.StatusUnauthorized:
		g.err = errUnaccepted
	case status != http.StatusOK:
		g.err = fmt.Errorf("the API server does not tell what %s has (%d): %s", key, status, firstLine(string(text)))
	default:
		if g.err = json.Unmarshal(text, &list); g.err != nil {
			break
		}
		g.byName = make(map[string]resource, len(list.Resources))
		for _, one := range list.Resources {
			g.byName[one.Name] = one
		}
	}
	g.asked = time.Now()
	found, ok = g.byName[t.resource]
	return found, ok, g.unknown(ok)
}

// unknown is why a resource that was not found may be there nevertheless.
func (g *groupVersion) unknown(found bool) error {
	if found {
		return nil
	}
	return g.err
}
