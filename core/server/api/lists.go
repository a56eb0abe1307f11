// Lists: filtered, sorted and cut into pages by the server, with the number of
// all that fit.

package api

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/server/problem"
)

// ListQuery is what every list can be asked for.
type ListQuery struct {
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"500" doc:"How many at most."`
	Continue string `query:"continue" maxLength:"1024" doc:"Where the last page ended: its continue."`
	Sort     string `query:"sort" maxLength:"32" doc:"The field to sort by; - before it turns the order around. By name when left out." example:"-createdAt"`
	Filter   string `query:"filter" maxLength:"200" doc:"Only what has this text in its name or title, in upper or lower case."`
}

// List is one page of a list.
type List[T any] struct {
	Items           []T    `json:"items"`
	Total           int    `json:"total" doc:"How many fit the filter, on all pages."`
	Continue        string `json:"continue,omitempty" doc:"Ask with it for the next page; absent on the last one."`
	ResourceVersion string `json:"resourceVersion" doc:"The state that this was read from."`
}

// ListOutput is a list as the library wants it.
type ListOutput[T any] struct{ Body List[T] }

// fields says how the items of a list are told apart, found and sorted.
type fields[T any] struct {
	key  func(T) string            // one for each item, in the order of names
	text func(T) []string          // what the filter looks at
	sort map[string]func(T) string // sortable fields besides name; compared as text
}

// page makes one page of all items.
func page[T any](all []T, q ListQuery, version string, f fields[T]) (*ListOutput[T], error) {
	if q.Limit <= 0 {
		q.Limit = 500
	}
	if q.Filter != "" {
		wanted := strings.ToLower(q.Filter)
		all = slices.DeleteFunc(slices.Clone(all), func(v T) bool {
			return !slices.ContainsFunc(f.text(v), func(s string) bool { return strings.Contains(strings.ToLower(s), wanted) })
		})
	} else {
		all = slices.Clone(all)
	}
	name, down := strings.CutPrefix(q.Sort, "-")
	by := f.key
	if name != "" && name != "name" {
		var ok bool
		if by, ok = f.sort[name]; !ok {
			names := []string{"name"}
			for n := range f.sort {
				names = append(names, n)
			}
			slices.Sort(names)
			return nil, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
				WithErrors(problem.Fault{Parameter: "query.sort", Message: "expected one of " + strings.Join(names, ", ") + ", with or without - before it"})
		}
	}
	compare := func(a, b mark) int {
		c := strings.Compare(a.by, b.by)
		if c == 0 {
			c = strings.Compare(a.key, b.key)
		}
		if down {
			c = -c
		}
		return c
	}
	of := func(v T) mark { return mark{by(v), f.key(v)} }
	slices.SortFunc(all, func(a, b T) int { return compare(of(a), of(b)) })
	out := &ListOutput[T]{Body: List[T]{Total: len(all), ResourceVersion: version}}
	if q.Continue != "" {
		last, ok := readMark(q.Continue)
		if !ok {
			return nil, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
				WithErrors(problem.Fault{Parameter: "query.continue", Message: "this is not the continue of a page"})
		}
		start := slices.IndexFunc(all, func(v T) bool { return compare(of(v), last) > 0 })
		if start < 0 {
			start = len(all)
		}
		all = all[start:]
	}
	if len(all) > q.Limit {
		all = all[:q.Limit]
		out.Body.Continue = of(all[len(all)-1]).String()
	}
	if all == nil {
		all = []T{}
	}
	out.Body.Items = all
	return out, nil
}

// mark is a place in a sorted list.
type mark struct{ by, key string }

func (m mark) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(m.by + "\x00" + m.key))
}

func readMark(s string) (mark, bool) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	by, key, ok := strings.Cut(string(text), "\x00")
	return mark{by, key}, err == nil && ok
}

// version is the state of the store that answers are read from: what the index
// knows.
func (s *API) version() string { return strconv.FormatUint(uint64(s.Index.Revision()), 10) }

// sortable is a time whose text sorts as the time does.
func sortable(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000") }
