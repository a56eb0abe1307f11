// The document that clients are generated from is the one that the code gives.

package api

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const committed = "../../../console/src/api/openapi.json"

func TestCommittedDocumentIsTheCodes(t *testing.T) {
	want, err := Document("v1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("console/src/api/openapi.json differs from the code: run `go run ./core/cmd/atoll openapi > console/src/api/openapi.json`")
	}
}

// The library's check of uniqueItems panics on what is no text or number, before
// it has looked at the types of the items.
func TestNoListIsCheckedForDuplicatesByTheLibrary(t *testing.T) {
	text, err := Document("v1")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(`"uniqueItems"`)) {
		t.Error("a list of the document wants unique items: let the room leave duplicates out")
	}
}

func TestEveryOperationIsWhole(t *testing.T) {
	text, err := Document("v1")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Tags        []string
			Security    *[]map[string][]string
			Parameters  []struct{ Name, In string }
			Responses   map[string]struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1") || len(d.Paths) < 20 {
		t.Fatalf("OpenAPI %s with %d paths", d.OpenAPI, len(d.Paths))
	}
	public := []string{"sign-in", "list-providers", "get-info", "read-invitation", "register", "exchange-token"}
	parameter := regexp.MustCompile(`\{(\w+)\}`)
	seen := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			name := method + " " + path
			if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 || seen[op.OperationID] {
				t.Errorf("%s: operation %q, summary %q, tags %v", name, op.OperationID, op.Summary, op.Tags)
			}
			seen[op.OperationID] = true
			if open := op.Security != nil && len(*op.Security) == 0; open != slices.Contains(public, op.OperationID) {
				t.Errorf("%s: public is %v", name, open)
			}
			for _, m := range parameter.FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == m[1] && p.In == "path" }) {
					t.Errorf("%s: the parameter %s is not described", name, m[1])
				}
			}
			for status, r := range op.Responses {
				if _, ok := r.Content["application/problem+json"]; status >= "400" && !ok {
					t.Errorf("%s: %s is no problem", name, status)
				}
			}
		}
	}
}
