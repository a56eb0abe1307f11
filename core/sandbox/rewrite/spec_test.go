// The WebAssembly specification's core test suite, versions 1 and 2, through
// Decode, Rewrite and wazero's compiler. It is read from wazero's own module.
package rewrite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

type specCommand struct {
	Type, Name, As, Filename, Text string
	Line                           int
	ModuleType                     string `json:"module_type"`
	Action                         struct {
		Type, Field, Module string
		Args                []specValue
	}
	Expected []specValue
}

// specTally counts what became of the assertions.
type specTally struct {
	passed, failed int
	skipped        map[string]int
	lenient        int // invalid modules that only wazero refused
}

func TestSpecificationSuite(t *testing.T) {
	suite := filepath.Join(wazeroDir(t), "internal", "integration_test", "spectest")
	tally := &specTally{skipped: map[string]int{}}
	for version, features := range map[string]api.CoreFeatures{"v1": api.CoreFeaturesV1, "v2": api.CoreFeaturesV2} {
		files, err := filepath.Glob(filepath.Join(suite, version, "testdata", "*.json"))
		if err != nil || len(files) < 50 {
			t.Fatalf("%d files of the suite, %v", len(files), err)
		}
		for _, file := range files {
			t.Run(version+"/"+strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
				runSpec(t, tally, suite, file, features)
			})
		}
	}
	skips := 0
	for _, why := range slices.Sorted(maps.Keys(tally.skipped)) {
		t.Logf("skipped %6d: %s", tally.skipped[why], why)
		skips += tally.skipped[why]
	}
	t.Logf("passed %d, failed %d, skipped %d; of the refused modules wazero alone refused %d", tally.passed, tally.failed, skips, tally.lenient)
}

// wazeroDir is where wazero's module lies.
func wazeroDir(t testing.TB) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(dir))
}

type specRun struct {
	*host
	check   wazero.Runtime // validates originals
	dir     string
	modules map[string]api.Module
	last    api.Module
}

func runSpec(t *testing.T, tally *specTally, suite, file string, features api.CoreFeatures) {
	ctx := context.Background()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var script struct{ Commands []specCommand }
	if err := json.Unmarshal(raw, &script); err != nil {
		t.Fatal(err)
	}
	s := &specRun{host: newHost(t, features, 100_000), dir: filepath.Dir(file), modules: map[string]api.Module{}}
	s.check = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	t.Cleanup(func() { _ = s.check.Close(ctx) })
	common, err := os.ReadFile(filepath.Join(suite, "testdata", "spectest.wasm"))
	if err == nil {
		_, err = s.Instantiate(ctx, common)
	}
	if err != nil {
		t.Fatal(err)
	}
	for n := range script.Commands {
		c := &script.Commands[n]
		as := ""
		if c.Type == "module" && n+1 < len(script.Commands) && script.Commands[n+1].Type == "register" {
			as = script.Commands[n+1].As
		}
		switch err := s.run(tally, c, as); {
		case errors.As(err, new(specSkip)):
			tally.skipped[err.Error()]++
		case err != nil:
			tally.failed++
			t.Errorf("line %d, %s: %v", c.Line, c.Type, err)
		default:
			tally.passed++
		}
	}
}

// specSkip is why an assertion is skipped.
type specSkip string

func (s specSkip) Error() string { return string(s) }

func (s *specRun) run(tally *specTally, c *specCommand, as string) error {
	switch c.Type {
	case "module":
		m, err := s.instantiate(c.Filename, as)
		if err != nil {
			return err
		}
		s.last = m
		if c.Name != "" {
			s.modules[c.Name] = m
		}
		return nil
	case "register":
		return nil // with the module before
	case "assert_return", "action":
		return s.returns(c)
	case "assert_trap", "assert_exhaustion":
		_, _, err := s.invoke(c)
		return s.trapped(c, err)
	case "assert_malformed", "assert_invalid":
		if c.ModuleType == "text" {
			return specSkip("about the text format, which is not read here")
		}
		return s.refused(tally, c.Filename)
	case "assert_unlinkable", "assert_uninstantiable":
		if c.ModuleType == "text" {
			return specSkip("about the text format, which is not read here")
		}
		_, err := s.instantiate(c.Filename, "")
		if c.Text == "out of bounds table access" {
			// wazero keeps such a module, for its functions may be in a table.
			return err
		}
		if err == nil {
			return errors.New("it was instantiated")
		}
		if strings.Contains(err.Error(), "rewritten module") {
			return err
		}
		return nil
	}
	return fmt.Errorf("what is %s?", c.Type)
}

// instantiate validates a module, rewrites it and makes an instance of it.
func (s *specRun) instantiate(name, as string) (api.Module, error) {
	ctx := context.Background()
	wasm, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return nil, err
	}
	if _, err := s.check.CompileModule(ctx, wasm); err != nil {
		return nil, err
	}
	// A br_table of the suite has 25,000 labels.
	out, err := rewritten(wasm, Limits{Branches: 1 << 20, Meetings: 1 << 40}, Options{KeepExports: true})
	if err != nil {
		return nil, err
	}
	code, err := s.CompileModule(ctx, out.Wasm)
	if err != nil {
		return nil, fmt.Errorf("the rewritten module: %w", err)
	}
	return s.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithName(as))
}

// refused checks that a module is refused by Decode or, as it is, by wazero.
func (s *specRun) refused(tally *specTally, name string) error {
	wasm, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	if _, err := Decode(wasm, Limits{}); err != nil {
		return nil
	}
	if _, err := s.check.CompileModule(context.Background(), wasm); err != nil {
		tally.lenient++
		return nil
	}
	return fmt.Errorf("%s was taken", name)
}

func (s *specRun) module(c *specCommand) api.Module {
	if c.Action.Module != "" {
		return s.modules[c.Action.Module]
	}
	return s.last
}

func (s *specRun) invoke(c *specCommand) ([]uint64, api.FunctionDefinition, error) {
	var args []uint64
	for _, a := range c.Action.Args {
		args = append(args, a.bits()...)
	}
	m := s.module(c)
	f := m.ExportedFunction(c.Action.Field)
	if f == nil {
		return nil, nil, fmt.Errorf("there is no function %s", c.Action.Field)
	}
	results, err := f.Call(context.Background(), args...)
	if err != nil { // a trap leaves the depth where it was
		for _, m := range append(slices.Collect(maps.Values(s.modules)), s.last, m) {
			m.ExportedGlobal(hidden + "depth").(api.MutableGlobal).Set(512 << 10)
		}
	}
	return results, f.Definition(), err
}

func (s *specRun) returns(c *specCommand) error {
	if c.Action.Type == "get" {
		g := s.module(c).ExportedGlobal(c.Action.Field)
		if g == nil {
			return fmt.Errorf("there is no global %s", c.Action.Field)
		}
		return specMatch(c.Expected, []uint64{g.Get()})
	}
	results, _, err := s.invoke(c)
	if err != nil {
		return err
	}
	return specMatch(c.Expected, results)
}

// specTraps are wazero's words for the suite's.
var specTraps = map[string]string{
	"out of bounds memory access":   "out of bounds memory access",
	"indirect call type mismatch":   "indirect call type mismatch",
	"indirect call":                 "indirect call type mismatch",
	"undefined element":             "invalid table access",
	"undefined":                     "invalid table access",
	"out of bounds table access":    "invalid table access",
	"uninitialized element":         "invalid table access",
	"uninitialized":                 "invalid table access",
	"integer overflow":              "integer overflow",
	"invalid conversion to integer": "invalid conversion to integer",
	"integer divide by zero":        "integer divide by zero",
	"unreachable":                   "unreachable",
}

func (s *specRun) trapped(c *specCommand, err error) error {
	if c.Type == "assert_exhaustion" {
		if !errors.Is(err, errDeep) {
			return fmt.Errorf("it ended with %v, not the depth", err)
		}
		return nil
	}
	want, known := specTraps[c.Text]
	if strings.HasPrefix(c.Text, "uninitialized element") {
		want, known = "invalid table access", true
	}
	if !known {
		return fmt.Errorf("what is the trap %q?", c.Text)
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		return fmt.Errorf("it ended with %v, not %q", err, want)
	}
	return nil
}
