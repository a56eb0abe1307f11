// Conditional requests: that every operation that replaces something takes them,
// and what the headers may look like.

package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

func TestWhatReplacesSomethingCanDependOnItsVersion(t *testing.T) {
	text, err := Document("v1")
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		OperationID string
		Parameters  []struct{ Name, In string }
		RequestBody any
		Responses   map[string]struct{ Headers map[string]any }
	}
	var d struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	takes := func(op operation, header string) bool {
		return slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == header && p.In == "header" })
	}
	seen, lines := 0, len(keepers)
	for path, methods := range d.Paths {
		read, readable := methods["get"]
		_, versioned := read.Responses["200"].Headers[headerETag]
		if versioned {
			lines--
		}
		if versioned != (keepers[read.OperationID] != nil) {
			t.Errorf("GET %s: an ETag for changes is described: %v", path, versioned)
		}
		for _, method := range []string{"put", "patch", "delete"} {
			op, ok := methods[method]
			// What has no body cannot say anything else than what is there; and
			// what has no version is deleted as it is.
			if !ok || method != "delete" && op.RequestBody == nil || method == "delete" && !versioned {
				continue
			}
			seen++
			lines--
			_, fails := op.Responses["412"]
			if keepers[op.OperationID] == nil || !takes(op, headerIfMatch) || !fails {
				t.Errorf("%s %s (%s) takes no If-Match: give it a line in kept.go", method, path, op.OperationID)
			}
			if makes[op.OperationID] != takes(op, headerIfNoneMatch) {
				t.Errorf("%s %s (%s) makes what is not there: %v, and takes If-None-Match: %v", method, path, op.OperationID, makes[op.OperationID], takes(op, headerIfNoneMatch))
			}
			if !readable || !versioned {
				t.Errorf("%s %s changes what cannot be read with its ETag there", method, path)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d operations replace or delete something", seen)
	}
	if lines != 0 {
		t.Errorf("kept.go has %d lines too many", lines)
	}
}

func TestConditionsOfRequests(t *testing.T) {
	const there, gone = store.Version("42"), store.Version("")
	for header, want := range map[string]struct{ there, gone, bad bool }{
		``:                                 {there: true, gone: true},
		`If-Match: "42-ab"`:                {there: true},
		`If-Match: "42-of another answer"`: {there: true},
		`If-Match: "41-ab", "42-ab"`:       {there: true},
		`If-Match: "a,b" ,	"42-ab"`:        {there: true},
		`If-Match: *`:                      {there: true},
		`If-Match: "41-ab"`:                {},
		`If-Match: "4-2"`:                  {},
		`If-Match: "42"`:                   {},
		`If-Match: "ab"`:                   {},
		`If-Match: ""`:                     {},
		`If-Match: "-ab"`:                  {},
		`If-Match: W/"42-ab"`:              {},
		`If-None-Match: *`:                 {gone: true},
		`If-None-Match: "42-ab"`:           {gone: true},
		`If-None-Match: W/"42-ab"`:         {gone: true},
		`If-None-Match: "41-ab"`:           {there: true, gone: true},
		`If-Match: 42`:                     {bad: true},
		`If-Match: `:                       {bad: true},
		`If-Match: "42-ab`:                 {bad: true},
		`If-Match: "42-ab",`:               {bad: true},
		`If-Match: "42-ab" "43-ab"`:        {bad: true},
		`If-Match: "42-ab", *`:             {bad: true},
		`If-None-Match: w/"42-ab"`:         {bad: true},
		`If-Match: ` + strings.Repeat(`"1-a",`, maxTags) + `"42-ab"`: {bad: true},
	} {
		h := http.Header{}
		if name, value, ok := strings.Cut(header, ": "); ok {
			h.Set(name, value)
		}
		holds, err := condition(h)
		if (err != nil) != want.bad {
			t.Errorf("%s: %v", header, err)
		}
		if err != nil || want.bad {
			continue
		}
		if holds == nil {
			holds = func(store.Version) bool { return true }
		}
		if holds(there) != want.there || holds(gone) != want.gone {
			t.Errorf("%s: of what is there %v, of what is not %v", header, holds(there), holds(gone))
		}
	}
	both := http.Header{headerIfMatch: {`"41-a"`, `"42-a"`}, headerIfNoneMatch: {`"42-b"`}}
	if holds, err := condition(both); err != nil || holds(there) {
		t.Errorf("both headers: %v", err)
	}
}
