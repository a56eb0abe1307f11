// What is generated must be what the schema says now, and what the Go types write must be JSON as the catalogue means it.
package fragment_test

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/atoll-platform/atoll/sdk/fragment"
)

func TestGeneratedFilesAreTheSchemas(t *testing.T) {
	out, err := exec.Command("go", "run", "./generate", "-check").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestTypesWriteWhatTellsMembersApart(t *testing.T) {
	f := fragment.Fragment{
		Title: fragment.Message{Key: "hello"},
		Data: map[string]fragment.Source{
			"lines": fragment.ExtSource{Path: "/logs", Live: fragment.Append{Cap: 100}},
		},
		Body: fragment.Stack{Base: fragment.Base{ID: "root"}, Gap: fragment.SizeS, Children: []fragment.Node{
			fragment.Log{Lines: fragment.Ref{Pointer: "/lines"}, Follow: false},
		}},
	}
	got, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ui":"v1","title":{"t":"hello"},"data":{"lines":{"from":"ext","path":"/logs","live":{"mode":"append","cap":100}}},` +
		`"body":{"is":"Stack","id":"root","gap":"s","children":[{"is":"Log","lines":{"$":"/lines"},"follow":false}]}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
