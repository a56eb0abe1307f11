// The pages are what the goldens say; the core's and the console's tests read them.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"testing"
)

var write = flag.Bool("write", false, "write the goldens instead of comparing them")

func TestPagesAreTheGoldens(t *testing.T) {
	for name, path := range map[string]string{
		"logs": "/fragments/logs", "object-pod": "/fragments/object?gvr=v1/pods", "object-workload": "/fragments/object?gvr=apps/v1/deployments",
	} {
		rec := httptest.NewRecorder()
		handler(nil, nil).ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		var got bytes.Buffer
		if err := json.Indent(&got, bytes.TrimSpace(rec.Body.Bytes()), "", "  "); err != nil {
			t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		got.WriteByte('\n')
		file := "testdata/fragments/" + name + ".json"
		if *write {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from %s: run `go test . -run Goldens -write` in extensions/logging", path, file)
		}
	}
}
