// The routes for stored lines: one page of what a store of logs holds of a
// project or of a whole workspace, with how many there are and when they came.
package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/olivere/elastic/v7"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// maxSearches bounds how many answers are read at the same time: each may hold
// maxAnswer bytes, several times over when it is decoded.
const maxSearches = 4

// turnPause ends a poll: answers that have come together are decoded one after the
// other, each in the computing time of a poll of its own.
const turnPause = time.Millisecond

// archive searches a store of logs. The host holds every search to the indexes
// of the caller's workspace; which project is meant, the query says.
type archive struct {
	door   http.RoundTripper
	caller func(context.Context) atoll.Identity
	slots  chan struct{} // searches
	turn   chan struct{} // the one that decodes
}

// newArchive makes an archive behind a door; caller tells for whom a request is.
func newArchive(door http.RoundTripper, caller func(context.Context) atoll.Identity) *archive {
	return &archive{door: door, caller: caller, slots: make(chan struct{}, maxSearches), turn: make(chan struct{}, 1)}
}

// found is the answer: one page of lines. What is about all of them comes with
// the first page alone.
type found struct {
	Lines     []storedLine `json:"lines"`
	Total     *int64       `json:"total,omitempty"`
	Histogram *histogram   `json:"histogram,omitempty"`
	// After asks for the next page; empty: there is none.
	After string `json:"after,omitempty"`
	// Partial tells that the store has not looked everywhere in its time.
	Partial bool `json:"partial,omitempty"`
}

// storedLine is a line with what the store knows of it besides.
type storedLine struct {
	line
	Cluster string `json:"cluster,omitempty"`
	Project string `json:"project,omitempty"`
	Node    string `json:"node,omitempty"`
	Stream  string `json:"stream,omitempty"` // stdout, stderr
}

// histogram counts lines over time, without a gap.
type histogram struct {
	Interval string   `json:"interval"` // as 30s
	Buckets  []bucket `json:"buckets"`
}

type bucket struct {
	Time  string `json:"time"` // when it begins, RFC 3339
	Count int64  `json:"count"`
}

func (a *archive) serveProject(w http.ResponseWriter, r *http.Request) {
	who := a.caller(r.Context())
	if who.ProjectUID == "" {
		fail(w, http.StatusInternalServerError, "The request is about no project", "")
		return
	}
	a.serve(w, r, elastic.NewTermQuery("projectUID", who.ProjectUID), who)
}

func (a *archive) serveWorkspace(w http.ResponseWriter, r *http.Request) {
	who := a.caller(r.Context())
	a.serve(w, r, elastic.NewTermQuery("workspaceUID", who.WorkspaceUID), who)
}

func (a *archive) serve(w http.ResponseWriter, r *http.Request, scope elastic.Query, who atoll.Identity) {
	if who.WorkspaceUID == "" {
		fail(w, http.StatusInternalServerError, "The request is about no workspace", "")
		return
	}
	s, err := parseSearch(r, time.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, "The query cannot be understood", err.Error())
		return
	}
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-r.Context().Done():
		return
	}
	d := &doer{archive: a}
	defer d.done()
	f, err := d.search(r.Context(), who.WorkspaceUID, scope, s)
	if err != nil {
		failStore(w, r, err)
		return
	}
	answer(w, f)
}

// failStore says why there is no answer, without what only the store's
// administrators should read.
func failStore(w http.ResponseWriter, r *http.Request, err error) {
	var reset *atoll.ResetError
	var store *elastic.Error
	switch {
	case r.Context().Err() != nil:
		return // nobody listens any more, or the host has said that time is up
	case errors.As(err, &reset) && reset.Code == wire.Unavailable:
		fail(w, http.StatusServiceUnavailable, "There are no stored logs at the moment", "Stored logs cannot be searched: "+reset.Text+".")
	case errors.As(err, &reset) && reset.Code == wire.Deadline:
		fail(w, http.StatusGatewayTimeout, "The store of logs does not answer in time", "A shorter time, or fewer words, may be found faster.")
	case errors.As(err, &reset):
		fail(w, http.StatusBadGateway, "The store of logs was not asked", reset.Text)
	case errors.Is(err, elastic.ErrResponseSize):
		fail(w, http.StatusBadGateway, "The lines are too large for one page", "Ask for a smaller size.")
	case errors.As(err, &store) && (store.Status == http.StatusTooManyRequests || store.Status >= 500):
		fail(w, http.StatusServiceUnavailable, "The store of logs is busy or not well", "")
	default:
		atoll.Log.WarnContext(r.Context(), "the store of logs gave no lines", "error", err.Error())
		fail(w, http.StatusBadGateway, "The store of logs does not understand the search", "")
	}
}
