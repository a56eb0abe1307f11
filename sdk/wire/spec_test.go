// The specification is one: what is generated is what wire.json says, and the
// codec reads and writes the golden frames.
package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	codec "github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

func TestGeneratedFilesAreTheSpecifications(t *testing.T) {
	out, err := exec.Command("go", "run", "./generate", "-check").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestRustTakesItsConstants(t *testing.T) {
	compiler, err := exec.LookPath("rustc")
	if err != nil {
		t.Skip("there is no rustc here")
	}
	out, err := exec.Command(compiler, "--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "-D", "warnings",
		"-o", filepath.Join(t.TempDir(), "wire.rmeta"), "../rust/wire.rs").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestAssemblyScriptTakesItsConstants(t *testing.T) {
	compiler, err := exec.LookPath("asc")
	if err != nil {
		t.Skip("there is no asc, AssemblyScript's compiler, here")
	}
	out, err := exec.Command(compiler, "../assemblyscript/wire.ts", "--noEmit").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestGoldenFramesMeanWhatTheySay(t *testing.T) {
	g, err := spec.LoadFrames()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, v := range g.Valid {
		means(t, v.Name, v.Hex, v.Means)
		seen[v.Means.Frame] = true
		for _, f := range v.Means.Fields {
			seen["tag "+f.Tag] = true
		}
		for _, f := range v.Means.Flags {
			seen["flag "+f] = true
		}
		seen["code "+v.Means.Code] = true
	}
	s := spec.Load()
	for _, f := range s.Frames {
		if !seen[f.Name] {
			t.Errorf("no golden frame is a %s", f.Name)
		}
	}
	for _, f := range s.Tags {
		if !seen["tag "+f.Name] {
			t.Errorf("no golden frame says %s", f.Name)
		}
	}
	for _, f := range s.Codes {
		if !seen["code "+f.Name] {
			t.Errorf("no golden frame says %s", f.Name)
		}
	}
	for _, b := range g.Broken {
		if !slices.ContainsFunc(s.Rules, func(r spec.Rule) bool { return r.ID == b.Rule }) {
			t.Errorf("%s: there is no rule %s", b.Name, b.Rule)
		}
	}
}

// means checks that bytes and words are the same frame, in both directions.
func means(t *testing.T, name, written string, words spec.Symbol) {
	t.Helper()
	b, err := hex.DecodeString(written)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	words.Hex = ""
	made, err := words.Encode()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if got := hex.EncodeToString(made); got != written {
		t.Errorf("%s: the bytes are\n%s, the words make\n%s", name, written, got)
	}
	f, rest, err := codec.NextFrame(b)
	if err != nil || len(rest) > 0 {
		t.Errorf("%s: %v, %d bytes are left", name, err, len(rest))
		return
	}
	want, _ := json.Marshal(words)
	got, _ := json.Marshal(spec.Describe(f))
	if string(got) != string(want) {
		t.Errorf("%s: the bytes mean\n%s, and should\n%s", name, got, want)
	}
}

func TestGoldenConversationsMeanWhatTheySay(t *testing.T) {
	all, err := spec.LoadConversations()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 12 {
		t.Errorf("only %d conversations were found", len(all))
	}
	rules := map[string]bool{}
	for _, r := range spec.Load().Rules {
		rules[r.ID] = true
	}
	for _, c := range all {
		for _, r := range c.Rules {
			if !rules[r] {
				t.Errorf("%s: there is no rule %s", c.Name, r)
			}
		}
		for n, p := range c.Polls {
			if p.Fault != "" && !rules[p.Fault] {
				t.Errorf("%s: there is no rule %s", c.Name, p.Fault)
			}
			for _, s := range slices.Concat(p.Host, p.Guest) {
				if s.Count > 0 {
					continue // a long body, said by its pattern
				}
				means(t, fmt.Sprintf("%s, poll %d, %v", c.Name, n+1, s), s.Hex, s)
			}
		}
	}
}

// Every constant of the codec is the specification's, by number.
func TestNumbersAreNeverGivenTwice(t *testing.T) {
	s := spec.Load()
	twice := map[string]string{}
	once := func(group, name string, number int) {
		key := fmt.Sprint(group, number)
		if other := twice[key]; other != "" {
			t.Errorf("%s %s and %s have one number, %d", group, name, other, number)
		}
		twice[key] = name
	}
	for _, f := range s.Frames {
		once("frame", f.Name, f.Number)
		if codec.Type(f.Number).String() != f.Name {
			t.Errorf("the codec calls frame %d %s", f.Number, codec.Type(f.Number))
		}
	}
	for _, c := range s.Codes {
		once("code", c.Name, c.Number)
		if codec.Code(c.Number).String() != c.Name {
			t.Errorf("the codec calls code %d %s", c.Number, codec.Code(c.Number))
		}
	}
	for _, f := range s.Tags {
		once("tag", f.Name, f.Number)
	}
	for _, f := range slices.Concat(s.Flags, s.FieldFlags) {
		if f.Number&(f.Number-1) != 0 {
			t.Errorf("flag %s is not one bit", f.Name)
		}
	}
	for _, r := range s.Rules {
		if !strings.Contains(r.ID, ".") || !strings.HasSuffix(r.About, ".") {
			t.Errorf("rule %s is not a sentence with an id", r.ID)
		}
	}
}
