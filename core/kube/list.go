// Lists that span projects, whole or in pages.

package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const maxAcross = 64 << 20 // bytes of all lists of one answer together

// part is a list of one project, or what is left of one: the elements are kept
// as they came.
type part struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Metadata   struct {
		ResourceVersion string `json:"resourceVersion"`
		Continue        string `json:"continue,omitempty"`
	} `json:"metadata"`
	Columns json.RawMessage   `json:"columnDefinitions"` // of a Table
	Rows    []json.RawMessage `json:"rows"`
	Items   []json.RawMessage `json:"items"`

	size int64 // bytes of the answer
}

// elements are the rows of a Table, the items of any other list.
func (one *part) elements() []json.RawMessage {
	if one.Kind == "Table" {
		return one.Rows
	}
	return one.Items
}

// pager goes through the projects of one answer in the order of their names,
// so that pages and whole lists have the order that Kubernetes gives them.
type pager struct {
	*spanning
	at      int    // the project that comes next
	next    string // the API server's own token in it
	version string // the cluster's own, of the first list; "" before it
	limit   int    // elements that the answer may have yet; 0 for no limit
	narrow  bool   // one list at a time, since several were too large
	budget  atomic.Int64
	parts   []*part
}

// listAcross answers a list. All parts are of the resource version of the
// first, so that the answer is one moment of the cluster and not several.
func (p *Proxy) listAcross(ctx context.Context, sp *spanning) *http.Response {
	g, f := newPager(sp)
	if f != nil {
		return f.response()
	}
	first := g.version == ""
	token, f := p.page(ctx, g)
	switch {
	case f != nil:
		return f.response()
	case len(g.parts) > 0:
		return jsonResponse(http.StatusOK, join(g.parts, sp.view.stamp(g.version), token))
	case first && len(sp.view.projects) > 0:
		return forbidden(sp.in.subject, sp.target, "not in any of this person's projects").response()
	}
	return jsonResponse(http.StatusOK, emptyList(sp.shape, sp.target.apiVersion(), sp.kind, sp.view.stamp(g.version)))
}

// newPager reads where a list begins, and takes out of the query what is not
// for every project.
func newPager(sp *spanning) (*pager, *failure) {
	g := &pager{spanning: sp}
	g.budget.Store(maxAcross)
	q := sp.query
	own, _ := unstamp(q.Get("resourceVersion"))
	if q.Has("resourceVersion") {
		q.Set("resourceVersion", own)
	}
	if text := q.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 0 {
			return nil, badRequest(fmt.Sprintf("the limit %q is not a number of objects", text))
		}
		g.limit = limit
	}
	token := q.Get("continue")
	q.Del("limit")
	q.Del("continue")
	switch {
	case token == "" && own == "0" && q.Get("resourceVersionMatch") != string(metav1.ResourceVersionMatchExact):
		g.limit = 0 // whatever is at hand comes whole, as from an API server
		return g, nil
	case token == "":
		return g, nil
	case own != "" && own != "0":
		return nil, badRequest("a continue token has its own resourceVersion; send it without one")
	}
	c, f := parseCursor(token)
	if f != nil {
		return nil, f
	}
	if c.Mark != sp.view.mark {
		return nil, expired(projectsChanged)
	}
	for g.at < len(sp.view.projects) && sp.view.projects[g.at].Name != c.Project {
		g.at++
	}
	if g.at == len(sp.view.projects) {
		return nil, badRequest("the continue token names no project of this list")
	}
	q.Del("resourceVersion")
	q.Del("resourceVersionMatch")
	g.version, g.next = c.Version, c.Next
	g.exact()
	return g, nil
}

// exact asks the projects that follow for the moment of the first.
func (g *pager) exact() {
	if g.version != "" {
		g.query.Set("resourceVersion", g.version)
		g.query.Set("resourceVersionMatch", string(metav1.ResourceVersionMatchExact))
	}
}

// page lists project after project until the limit is reached, and returns the
// token of the page that follows. Projects in which the resource may not be
// listed are left out; any other failure fails the whole, since a list that
// silently lacks a project would be a lie.
func (p *Proxy) page(ctx context.Context, g *pager) (token string, f *failure) {
	limited := g.limit > 0
	for g.at < len(g.view.projects) {
		end := len(g.view.projects)
		switch {
		case g.version == "" && len(g.parts) == 0, g.next != "", g.narrow:
			end = g.at + 1
		case limited: // what does not fit is thrown away: not too much of it
			end = min(end, g.at+acrossParallel)
		}
		lists, f := p.listEach(ctx, g, end)
		switch tooLarge := f != nil && f.code == http.StatusRequestEntityTooLarge; {
		case tooLarge && limited && end > g.at+1:
			g.narrow = true
			continue
		case tooLarge && limited && len(g.parts) > 0:
			return g.token(), nil // pages may be shorter than was asked for
		case f != nil:
			return "", f
		}
		kept := g.take(lists, limited)
		for _, one := range lists[kept:] {
			if one != nil {
				g.budget.Add(one.size)
			}
		}
		if limited && g.limit <= 0 && g.at < len(g.view.projects) {
			return g.token(), nil
		}
	}
	return "", nil
}

// token leads to the page that follows.
func (g *pager) token() string {
	c := cursor{Version: g.version, Mark: g.view.mark, Project: g.view.projects[g.at].Name, Next: g.next}
	return c.token()
}

// take adds lists to the answer as far as they fit and follow each other, and
// returns how many that were. The first always counts: it was asked for no more
// than fits, and an API server may answer more than it was asked for.
func (g *pager) take(lists []*part, limited bool) int {
	for i, one := range lists {
		if one == nil {
			g.at, g.next = g.at+1, ""
			continue
		}
		n := len(one.elements())
		if limited && i > 0 && n > g.limit {
			return i // it begins the next turn, which asks for what fits
		}
		g.parts = append(g.parts, one)
		g.limit -= n
		if g.version == "" && one.Metadata.ResourceVersion != "" {
			g.version = one.Metadata.ResourceVersion
			g.exact()
		}
		if g.next = one.Metadata.Continue; g.next != "" {
			return i + 1 // more of the same project
		}
		g.at++
		if limited && g.limit <= 0 {
			return i + 1
		}
	}
	return len(lists)
}

// listEach lists the projects from g.at to end; nil where the resource may not
// be listed. It charges the budget for what it returns, and for nothing when it
// fails.
func (p *Proxy) listEach(ctx context.Context, g *pager, end int) ([]*part, *failure) {
	query := url.Values{}
	maps.Copy(query, g.query)
	if g.limit > 0 {
		query.Set("limit", strconv.Itoa(g.limit))
	}
	if g.next != "" {
		query.Del("resourceVersion") // the token has one
		query.Del("resourceVersionMatch")
		query.Set("continue", g.next)
	}
	encoded, had := query.Encode(), g.budget.Load()
	found := make([]*part, end-g.at)
	lists, ctx := errgroup.WithContext(ctx)
	lists.SetLimit(acrossParallel)
	for i := range found {
		lists.Go(func() error {
			if len(g.view.groups[g.at+i]) == 0 {
				return nil
			}
			res := p.one(ctx, g.spanning, g.at+i, encoded)
			defer res.Body.Close()
			if res.StatusCode == http.StatusForbidden {
				return nil
			}
			one, f := decodeList(res, &g.budget)
			if f != nil {
				return f
			}
			found[i] = one
			return nil
		})
	}
	if err := lists.Wait(); err != nil {
		g.budget.Store(had)
		return nil, failureOf(err)
	}
	return found, nil
}

// decodeList reads a list, or the Status that came instead.
func decodeList(res *http.Response, budget *atomic.Int64) (*part, *failure) {
	text, err := io.ReadAll(io.LimitReader(res.Body, budget.Load()+1))
	if err != nil {
		return nil, unavailable(fmt.Sprintf("reading the cluster's answer: %v", err))
	}
	if budget.Add(-int64(len(text))) < 0 {
		return nil, &failure{code: http.StatusRequestEntityTooLarge, reason: metav1.StatusReasonRequestEntityTooLarge,
			message: fmt.Sprintf("the list across projects is larger than %d MiB; name a namespace, or ask for pages by limit", maxAcross>>20)}
	}
	if res.StatusCode != http.StatusOK {
		return nil, failureIn(res.StatusCode, text)
	}
	one := &part{size: int64(len(text))}
	if err := json.Unmarshal(text, one); err != nil {
		return nil, &failure{code: http.StatusBadGateway, reason: metav1.StatusReasonInternalError,
			message: fmt.Sprintf("reading the cluster's answer: %v", err)}
	}
	return one, nil
}

// failureIn is the failure that an API server's answer tells of.
func failureIn(code int, text []byte) *failure {
	var s metav1.Status
	if json.Unmarshal(text, &s) != nil || s.Kind != "Status" || s.Message == "" {
		return &failure{code: code, reason: metav1.StatusReasonUnknown, message: firstLine(string(text))}
	}
	return &failure{code: code, reason: s.Reason, message: s.Message, details: s.Details}
}

// join makes one list of several of the same kind.
func join(parts []*part, version, token string) []byte {
	first := parts[0]
	metadata := map[string]string{"resourceVersion": version}
	if token != "" {
		metadata["continue"] = token
	}
	head, _ := json.Marshal(map[string]any{"kind": first.Kind, "apiVersion": first.APIVersion, "metadata": metadata})
	columns := json.RawMessage("[]") // the most that one has: an empty Table may have none
	size := len(head) + 64
	for _, one := range parts {
		if len(one.Columns) > len(columns) {
			columns = one.Columns
		}
		for _, e := range one.elements() {
			size += len(e) + 1
		}
	}
	out := bytes.NewBuffer(make([]byte, 0, size+len(columns)))
	out.Write(head[:len(head)-1])
	if first.Kind == "Table" {
		out.WriteString(`,"columnDefinitions":`)
		out.Write(columns)
		out.WriteString(`,"rows":[`)
	} else {
		out.WriteString(`,"items":[`)
	}
	comma := false
	for _, one := range parts {
		for _, e := range one.elements() {
			if comma {
				out.WriteByte(',')
			}
			comma = true
			out.Write(e)
		}
	}
	out.WriteString("]}")
	return out.Bytes()
}
