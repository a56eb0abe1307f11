// Pages: nothing twice, nothing left out, in every order.

package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

type thing struct{ name, kind string }

var things = fields[thing]{
	key:  func(v thing) string { return v.name },
	text: func(v thing) []string { return []string{v.name, v.kind} },
	sort: map[string]func(thing) string{"kind": func(v thing) string { return v.kind }},
}

func TestPagesTogetherAreTheList(t *testing.T) {
	var all []thing
	for i := range 57 {
		all = append(all, thing{fmt.Sprintf("n%02d", (i*23)%57), fmt.Sprintf("k%d", i%3)})
	}
	for _, order := range []string{"", "name", "-name", "kind", "-kind"} {
		for _, limit := range []int{1, 7, 56, 57, 58, 1000} {
			var got []thing
			q := ListQuery{Limit: limit, Sort: order}
			for {
				out, err := page(all, q, "5", things)
				if err != nil {
					t.Fatal(err)
				}
				if out.Body.Total != 57 || out.Body.ResourceVersion != "5" || len(out.Body.Items) > limit {
					t.Fatalf("%+v", out.Body)
				}
				got = append(got, out.Body.Items...)
				if q.Continue = out.Body.Continue; q.Continue == "" {
					break
				}
			}
			sorted := slices.Clone(got)
			slices.SortFunc(sorted, func(a, b thing) int {
				c := strings.Compare(a.name, b.name)
				if strings.HasSuffix(order, "kind") && a.kind != b.kind {
					c = strings.Compare(a.kind, b.kind)
				}
				if strings.HasPrefix(order, "-") {
					c = -c
				}
				return c
			})
			if len(got) != 57 || !slices.Equal(got, sorted) {
				t.Fatalf("sort %q, limit %d: %v", order, limit, got)
			}
		}
	}
}

func TestPageGoesOnWhereSomethingWasRemoved(t *testing.T) {
	all := []thing{{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}}
	first, _ := page(all, ListQuery{Limit: 2}, "", things)
	second, _ := page([]thing{{"a", ""}, {"c", ""}, {"d", ""}}, ListQuery{Limit: 2, Continue: first.Body.Continue}, "", things)
	if len(second.Body.Items) != 2 || second.Body.Items[0].name != "c" {
		t.Errorf("%+v", second.Body)
	}
}

func TestFilterCountsWhatFits(t *testing.T) {
	all := []thing{{"Alpha", "x"}, {"beta", "ALPHAbet"}, {"gamma", "x"}}
	out, _ := page(all, ListQuery{Filter: "alpha"}, "", things)
	if out.Body.Total != 2 || len(out.Body.Items) != 2 {
		t.Errorf("%+v", out.Body)
	}
	if all[0].name != "Alpha" || all[2].name != "gamma" {
		t.Error("the list that was given has changed")
	}
	if none, _ := page(all, ListQuery{Filter: "none"}, "", things); none.Body.Items == nil || none.Body.Total != 0 {
		t.Errorf("%+v", none.Body)
	}
}
