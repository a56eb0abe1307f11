//go:build integration

// The part of the matrix that is about the API: every operation of the OpenAPI
// document, by the permission that it says it needs.

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
)

// ordered are the operations; those that end the caller's sessions come last.
func (m *matrix) ordered() []documentedOperation {
	all := documented(m.t)
	ends := map[string]int{"sign-out": 1, "sign-out-everywhere": 2}
	slices.SortFunc(all, func(a, b documentedOperation) int {
		if d := ends[a.id] - ends[b.id]; d != 0 {
			return d
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// operations asks every operation.
func (m *matrix) operations() {
	special := m.asks()
	for _, op := range m.ordered() {
		asks, known := special[op.id]
		delete(special, op.id)
		permission := op.permission
		switch op.scope {
		case "public":
			asks = []question{{may: func(string) bool { return true }}}
		case "platform":
			asks = []question{{may: func(role string) bool { return m.has(role, permission, access.KindPlatform, placeNone) }}}
		case "cluster":
			asks = []question{{may: func(role string) bool { return m.has(role, permission, access.KindPlatform, placeNone) }}}
		case "workspace", "project":
			for _, place := range places {
				asks = append(asks, question{place: place, may: func(role string) bool { return m.has(role, permission, access.Kind(op.scope), place) }})
			}
		case "caller", "account": // whatever one's roles
			if !known {
				asks = []question{{may: func(string) bool { return true }}}
			}
		default:
			if !known {
				m.t.Errorf("the operation %s says nothing in its path of where its permission is needed, and has no expectation", op.id)
			}
		}
		for _, a := range asks {
			m.operation(op, a)
		}
		if op.id == "sign-in" {
			continue // 401 is its word for a wrong password, too
		}
		status := m.do(nil, op.method, fill(op.path, m.own), m.bodyOf(op, question{}), nil).status
		m.judge("API operations", op.method+" "+op.path, "(nobody)", "", verdict(op.scope == "public"), fmt.Sprint(status), (status != http.StatusUnauthorized) == (op.scope == "public"))
	}
	for id := range special {
		m.t.Errorf("there is an expectation for %s, and no such operation", id)
	}
}

var pathParameter = regexp.MustCompile(`\{\w+\}`)

// fill names a tenant in a path, and nothing that is there inside of it.
func fill(path string, at tenant) string {
	path = strings.NewReplacer("{cluster}", "local", "{workspace}", at.workspace, "{project}", at.project).Replace(path)
	return pathParameter.ReplaceAllString(path, "no-such")
}

func (m *matrix) bodyOf(op documentedOperation, a question) any {
	switch {
	case a.body != nil:
		return a.body
	case op.body:
		return map[string]any{}
	case op.tar:
		return "no tar"
	}
	return nil
}

// operation asks one request as everybody.
func (m *matrix) operation(op documentedOperation, a question) {
	path := a.path
	if path == "" {
		path = fill(op.path, m.at(a.place))
	}
	m.parallel(func(role string) {
		who := m.sessions[role]
		if op.id == "sign-out" || op.scope != "caller" && op.scope != "account" {
			who = m.tokens[role]
		}
		got := m.do(who, op.method, path, m.bodyOf(op, a), func(r *http.Request) {
			if op.tar {
				r.Header.Set("Content-Type", "application/x-tar")
			}
		})
		want, right := a.may(role), false
		expected := verdict(want)
		switch {
		case a.shows != "":
			expected = fmt.Sprintf("200 with %s: %v", a.shows, want)
			right = got.status == http.StatusOK && strings.Contains(string(got.body), a.shows) == want
		case op.id == "sign-in":
			right = got.status == http.StatusUnprocessableEntity
		case want:
			right = allowed(got.status)
			// What is certainly there is to be seen.
			if op.method == http.MethodGet && a.place != placeNone && !strings.Contains(path, "no-such") {
				expected, right = "200", got.status == http.StatusOK
			}
		case a.unseen:
			expected, right = "404", got.status == http.StatusNotFound
		default:
			right = got.status == http.StatusForbidden && json.Valid(got.body)
		}
		m.judge("API operations", op.method+" "+path, role, a.place, expected, fmt.Sprintf("%d %.160s", got.status, got.body), right)
	})
}
