// Packages: one form and one digest, and nothing that a tar can trick with.
package extension

import (
	"archive/tar"
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// entry is a file of a tar, as hostile as its test wants it.
type entry struct {
	header tar.Header
	text   string
}

func file(name, text string) entry { return entry{tar.Header{Name: name, Typeflag: tar.TypeReg}, text} }

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.header
		h.Size, h.Mode = int64(len(e.text)), 0o777
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const emptyModule = "\x00asm\x01\x00\x00\x00"

func goodEntries() []entry {
	return []entry{file("extension.yaml", goodManifest), file("sample.wasm", emptyModule), file("texts/en.yaml", "hello: Hello\n"), file("texts/zh.yaml", "hello: 你好\n")}
}

func TestSameContentHasOneDigest(t *testing.T) {
	forward, err := ReadPackage(bytes.NewReader(tarOf(t, goodEntries()...)))
	if err != nil {
		t.Fatal(err)
	}
	entries := goodEntries()
	entries[0], entries[3] = entries[3], entries[0]
	entries[1].header.Name = "./sample.wasm"
	entries = append([]entry{{tar.Header{Name: "./texts/", Typeflag: tar.TypeDir}, ""}}, entries...)
	other, err := ReadPackage(bytes.NewReader(tarOf(t, entries...)))
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{"main.go": {Data: []byte("package main")}, "go.mod": {}}
	for _, e := range goodEntries() {
		folder[e.header.Name] = &fstest.MapFile{Data: []byte(e.text)}
	}
	packed, err := Pack(folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadPackage(bytes.NewReader(packed.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	if forward.Digest != other.Digest || forward.Digest != packed.Digest || packed.Digest != again.Digest {
		t.Errorf("%s, %s, %s, %s", forward.Digest, other.Digest, packed.Digest, again.Digest)
	}
}

func TestHostilePackagesAreRefused(t *testing.T) {
	good := goodEntries()
	with := func(more ...entry) []byte { return tarOf(t, append(goodEntries(), more...)...) }
	many := goodEntries()
	for i := range maxFiles {
		many = append(many, file("texts/"+string(rune('a'+i/26))+string(rune('a'+i%26))+".yaml", "hello: x\n"))
	}
	for name, test := range map[string]struct {
		raw  []byte
		says string
	}{
		"nothing":            {nil, "no extension.yaml"},
		"no tar":             {[]byte(strings.Repeat("x", 2048)), "not a tar"},
		"cut off":            {with()[:700], "unexpected EOF"},
		"no manifest":        {tarOf(t, good[1:]...), "no extension.yaml"},
		"no module":          {tarOf(t, good[0]), "no sample.wasm"},
		"no WebAssembly":     {tarOf(t, good[0], file("sample.wasm", "MZ")), "not a WebAssembly module"},
		"out by dots":        {with(file("../evil", "x")), "may not be called"},
		"out by inner dots":  {with(file("texts/../../evil", "x")), "may not be called"},
		"absolute":           {with(file("/etc/passwd", "x")), "may not be called"},
		"a backslash":        {with(file(`..\evil`, "x")), "may not be called"},
		"hidden":             {with(file(".ssh/key", "x")), "may not be called"},
		"a symbolic link":    {with(entry{tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""}), "neither file nor folder"},
		"a hard link":        {with(entry{tar.Header{Name: "link", Typeflag: tar.TypeLink, Linkname: "extension.yaml"}, ""}), "neither file nor folder"},
		"a device":           {with(entry{tar.Header{Name: "null", Typeflag: tar.TypeChar}, ""}), "neither file nor folder"},
		"a file twice":       {with(file("texts/en.yaml", "hello: Hi\n")), "twice"},
		"a file in disguise": {with(file("./texts/en.yaml", "hello: Hi\n")), "twice"},
		"a file of nobody's": {with(file("script.js", "x")), "belongs to nothing"},
		"a large file":       {with(file("README.md", strings.Repeat("x", maxFile+1))), "bytes"},
		"many files":         {tarOf(t, many...), "more than"},
		"a lying folder":     {with(entry{tar.Header{Name: "../texts/", Typeflag: tar.TypeDir}, ""}), "may not be called"},
		"a text too many":    {with(file("texts/de.yaml", "bye: Tschüss\n")), "no such key"},
		"a text of numbers":  {tarOf(t, good[0], good[1], file("texts/en.yaml", "hello: 1\n")), "a text"},
		"a language of none": {tarOf(t, good[0], good[1], good[2], file("texts/qqq-x.yaml", "hello: x\n")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadPackage(bytes.NewReader(test.raw))
			var wrong *FileError
			if err == nil || !errors.Is(err, ErrPackage) && !errors.As(err, &wrong) {
				t.Fatalf("it passed: %v", err)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("want %q, got %v", test.says, err)
			}
		})
	}
}

func TestConsentIsForThePackageAndWhatItAsks(t *testing.T) {
	read := func(manifest string) Review {
		entries := goodEntries()
		entries[0].text = manifest
		p, err := ReadPackage(bytes.NewReader(tarOf(t, entries...)))
		if err != nil {
			t.Fatal(err)
		}
		return review(p, p.Manifest.limits().Capped(sandbox.Limits{}))
	}
	one := read(goodManifest)
	if one.Consent != read(goodManifest).Consent {
		t.Error("the same package has two consents")
	}
	if one.Consent == read(strings.Replace(goodManifest, "verbs: [get]", "verbs: [get, delete]", 1)).Consent {
		t.Error("asking for more has the same consent")
	}
	dangerous := read(strings.Replace(goodManifest, "resources: [pods]", "resources: [secrets]", 1))
	marked := false
	for _, a := range dangerous.Asks {
		marked = marked || a.Kind == AskKubernetes && a.Dangerous && a.Reason == "Show pods"
	}
	if !marked {
		t.Errorf("reading Secrets is not marked: %+v", dangerous.Asks)
	}
	if one.Consent == read(strings.Replace(goodManifest, "/_search", "/_search{?size}", 1)).Consent {
		t.Error("asking an upstream for more has the same consent")
	}
	of := func(manifest string) (a Ask) {
		for _, a = range read(manifest).Asks {
			if a.Kind == AskUpstream {
				return a
			}
		}
		t.Fatal("the review says nothing of the upstream")
		return a
	}
	if a := of(goodManifest); a.Dangerous || a.Reason != "Search" || !strings.Contains(a.Text, "POST /a-{workspace}-*/_search") || !strings.Contains(a.Text, `"store", held to the workspace`) {
		t.Errorf("%+v", a)
	}
	for _, everybodys := range []string{"POST /a-*/_search", "POST /a-{cluster}.*/_search"} {
		if a := of(strings.Replace(goodManifest, "POST /a-{workspace}-*/_search", everybodys, 1)); !a.Dangerous || !strings.Contains(a.Text, "all workspaces") {
			t.Errorf("%s: %+v", everybodys, a)
		}
	}
	kinds := map[string]bool{}
	for _, a := range one.Asks {
		kinds[a.Kind] = true
		if a.Dangerous {
			t.Errorf("%+v is marked", a)
		}
	}
	for _, k := range []string{AskKubernetes, AskUpstream, AskRoute, AskRole, AskIsolation, AskLimit} {
		if !kinds[k] {
			t.Errorf("the review says nothing of %s", k)
		}
	}
}

// FuzzReadPackage: reading ends, and what passes has one form.
func FuzzReadPackage(f *testing.F) {
	f.Add(tarOf(f, goodEntries()...))
	f.Add(tarOf(f, file("../x", "y")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ReadPackage(bytes.NewReader(raw))
		if err != nil {
			return
		}
		again, err := ReadPackage(bytes.NewReader(p.Bytes))
		if err != nil || again.Digest != p.Digest {
			t.Fatalf("%v, %s and %s", err, p.Digest, again.Digest)
		}
	})
}
