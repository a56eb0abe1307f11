// Which shape of answer a client asks for, where Atoll makes the answer itself.

package kube

import (
	"encoding/json"
	"mime"
	"net/http"
	"strings"
)

// shape is how a list may be answered.
type shape int

const (
	shapeNone     shape = iota // nothing that Atoll can make
	shapePlain                 // the objects themselves
	shapeTable                 // as kubectl prints them
	shapeMetadata              // their metadata only
)

// shapeOf reads an Accept header in its own order, as kubectl and client-go
// write it, and returns the first shape that Atoll can make, with the header
// reduced to what it can make: JSON.
func shapeOf(h http.Header) (shape, string) {
	lines := h.Values("Accept")
	if len(lines) == 0 {
		return shapePlain, "application/json"
	}
	first := shapeNone
	var kept []string
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			kind, params, err := mime.ParseMediaType(item)
			if err != nil {
				continue
			}
			found := shapePlain
			switch {
			case kind != "application/json" && kind != "*/*" && kind != "application/*":
				continue
			case params["as"] == "":
			case params["g"] != "meta.k8s.io" || params["v"] != "v1":
				continue
			case params["as"] == "Table":
				found = shapeTable
			case params["as"] == "PartialObjectMetadataList":
				found = shapeMetadata
			default:
				continue
			}
			if kind != "application/json" {
				item = "application/json"
			}
			kept = append(kept, strings.TrimSpace(item))
			if first == shapeNone {
				first = found
			}
		}
	}
	return first, strings.Join(kept, ",")
}

// emptyList is the answer with nothing in it, in a shape, of a resource version.
func emptyList(s shape, apiVersion, kind, version string) []byte {
	quoted, _ := json.Marshal(version)
	metadata := `"metadata":{"resourceVersion":` + string(quoted) + `}`
	switch s {
	case shapeTable:
		return []byte(`{"kind":"Table","apiVersion":"meta.k8s.io/v1",` + metadata + `,"columnDefinitions":[],"rows":[]}`)
	case shapeMetadata:
		return []byte(`{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",` + metadata + `,"items":[]}`)
	default:
		return []byte(`{"kind":"` + kind + `List","apiVersion":"` + apiVersion + `",` + metadata + `,"items":[]}`)
	}
}
