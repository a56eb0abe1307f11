// The arrows of the house: which room may import which. An arrow that points
// up, or sideways where none is drawn, fails here and names both ends.
package atoll

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/atoll-platform/atoll/"

// arrows lists, for each room, the other rooms that it may import. A room that
// is not listed may import nothing of ours.
var arrows = map[string][]string{
	"core/cmd/atoll": {"core/server"},
	"core/server": {
		"core/stream", "core/extension", "core/capability", "core/tenancy", "core/identity", "core/kube", "core/sandbox",
		"core/fragment", "core/operation", "core/audit", "core/access", "core/store", "console",
	},
	"core/extension":     {"core/sandbox", "core/capability", "core/fragment", "core/access", "core/operation", "core/store", "sdk/fragment", "sdk/go/wire"},
	"core/capability":    {"core/kube", "core/access", "core/audit", "core/operation", "core/sandbox", "core/store", "sdk/go/wire"},
	"core/stream":        {"core/kube", "core/access"},
	"core/tenancy":       {"core/kube", "core/access", "core/operation", "core/store"},
	"core/kube":          {"core/access"},
	"core/identity":      {"core/access", "core/store"},
	"core/operation":     {"core/access", "core/store"},
	"core/access":        {"core/store"},
	"core/audit":         {"core/store"},
	"core/store":         {},
	"core/fragment":      {"sdk/fragment"},
	"core/sandbox":       {"sdk/go/wire"},
	"sdk/go":             {"sdk/go/wire"},
	"sdk/go/wire":        {},
	"sdk/wire":           {"sdk/go/wire"},
	"sdk/wire/kit":       {"sdk/wire", "sdk/go/wire"},
	"sdk/wire/kit/guest": {"sdk/go"},
	"sdk/fragment":       {},
	"console":            {},
	"extensions":         {"sdk/go", "sdk/go/wire", "sdk/fragment"},
	"manifests":          {},
}

// testArrows lists what the tests of a room may import on top.
var testArrows = map[string][]string{
	"core/sandbox": {"sdk/wire/kit"},
	"sdk/wire/kit": {"sdk/go", "sdk/wire/kit/guest"},
}

// benchArrows lists what measuring programs, in folders named bench, may import
// on top.
var benchArrows = []string{"manifests/bench/figure"}

// onlyIn lists libraries that one room alone may know.
var onlyIn = map[string]string{
	"github.com/labstack/echo":    "core/server",
	"github.com/danielgtaylor/hu": "core/server",
	"github.com/tetratelabs/waze": "core/sandbox",
	"go.etcd.io/bbolt":            "core/store",
}

// room names the room that a package path (relative to the module) lies in:
// the longest room name that is a prefix of it.
func room(pkg string) string {
	best := ""
	for name := range arrows {
		if (pkg == name || strings.HasPrefix(pkg, name+"/")) && len(name) > len(best) {
			best = name
		}
	}
	return best
}

// goFiles walks all Go files of the repository, those of nested modules too.
func goFiles(t *testing.T, visit func(name string, file *ast.File)) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (base == "build" || base == "node_modules" || base == "testdata" || strings.HasPrefix(base, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		count++
		visit(filepath.ToSlash(name), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 3 {
		t.Fatalf("only %d Go files were found: the walk is broken", count)
	}
}

func imports(file *ast.File) []string {
	var all []string
	for _, spec := range file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func TestArrowsPointDown(t *testing.T) {
	goFiles(t, func(name string, file *ast.File) {
		from := room(path.Dir(name))
		for _, p := range imports(file) {
			ours, ok := strings.CutPrefix(p, modulePath)
			if !ok {
				continue
			}
			to := room(ours)
			if from == to {
				continue
			}
			if strings.HasSuffix(name, "_test.go") && slices.Contains(testArrows[from], to) {
				continue
			}
			if path.Base(path.Dir(name)) == "bench" && slices.Contains(benchArrows, ours) {
				continue
			}
			if !slices.Contains(arrows[from], to) {
				t.Errorf("%s: room %q may not import %q (%s)", name, from, to, p)
			}
		}
	})
}

func TestLibrariesStayInTheirRoom(t *testing.T) {
	goFiles(t, func(name string, file *ast.File) {
		for _, p := range imports(file) {
			for library, home := range onlyIn {
				if strings.HasPrefix(p, library) && room(path.Dir(name)) != home {
					t.Errorf("%s: only %s may import %s", name, home, p)
				}
			}
			if p == "k8s.io/client-go/kubernetes" && !strings.HasPrefix(name, "manifests/local/") {
				t.Errorf("%s: the typed clientset costs a minute of everybody's build; use rest or dynamic", name)
			}
		}
	})
}

func TestKubernetesItselfStaysOutOfTheMainModule(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(mod, []byte("k8s.io/kubernetes ")) {
		t.Error("go.mod requires k8s.io/kubernetes; it belongs to manifests/local alone")
	}
}

// generated tells whether a file says that it was made by a program.
func generated(file *ast.File) bool { return ast.IsGenerated(file) }

func TestEveryFileSaysWhatItIsAbout(t *testing.T) {
	goFiles(t, func(name string, file *ast.File) {
		if generated(file) || strings.Contains(name, "/testguests/") {
			return
		}
		for _, group := range file.Comments {
			if group.Pos() < file.Package {
				for _, c := range group.List {
					if !strings.HasPrefix(c.Text, "//go:") && !strings.HasPrefix(c.Text, "// +build") {
						return
					}
				}
			}
		}
		t.Errorf("%s: no comment before the package clause says what this file is about", name)
	})
}

func TestEveryTopFolderSaysWhatBelongsThere(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"core", "sdk", "extensions", "console", "manifests", "build"}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !slices.Contains(allowed, e.Name()) {
			t.Errorf("folder %q is not one of the house's: %v", e.Name(), allowed)
			continue
		}
		if e.Name() == "build" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(e.Name(), "README.md"))
		if err != nil {
			t.Errorf("folder %q has no README.md", e.Name())
		} else if lower := bytes.ToLower(text); !bytes.Contains(lower, []byte("does not belong")) && !bytes.Contains(lower, []byte("what does not")) {
			t.Errorf("%s/README.md does not say what does not belong there", e.Name())
		}
	}
}
