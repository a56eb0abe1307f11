// Command report reads what `go test -json` says and prints it as a person
// wants to read it: a line for each package, everything of what failed, and
// each skipped test with its reason. It fails when a test failed, when nothing
// ran, and when a test was skipped without saying why.
//
//	go test -json ./... | report
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// run is what is known of one test, or of one package (with no test name).
type run struct {
	output []string
}

// report gathers events.
type report struct {
	out                     io.Writer
	runs                    map[[2]string]*run
	passed, failed, skipped int
	silent                  []string // skipped without a reason
}

func main() {
	r := report{out: os.Stdout, runs: map[[2]string]*run{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
	if !r.close() {
		os.Exit(1)
	}
}

// read takes all events in. A line that is none is printed as it is.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.take(e)
	}
	return lines.Err()
}

func (r *report) take(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output":
		if r.runs[key] == nil {
			r.runs[key] = &run{}
		}
		r.runs[key].output = append(r.runs[key].output, e.Output)
		return
	case "build-output":
		fmt.Fprint(r.out, e.Output)
		return
	case "build-fail":
		r.failed++
		return
	case "pass", "fail", "skip":
	default:
		return
	}
	said := r.runs[key]
	delete(r.runs, key)
	if said == nil {
		said = &run{}
	}
	switch {
	case e.Test == "":
		r.pkg(e, said)
	case e.Action == "fail":
		r.failed++
		fmt.Fprint(r.out, strings.Join(said.output, ""))
	case e.Action == "skip":
		r.skip(e, said)
	default:
		r.passed++
	}
}

// pkg prints a package's own line, and all it said where it failed by itself.
func (r *report) pkg(e event, said *run) {
	if e.Action == "fail" {
		r.failed++
		fmt.Fprint(r.out, strings.Join(said.output, ""))
		return
	}
	for _, line := range said.output {
		if strings.HasPrefix(line, "ok ") {
			fmt.Fprint(r.out, line)
		}
	}
}

// skip prints a skipped test with its reason; `t.Skip()` without one is noted.
func (r *report) skip(e event, said *run) {
	r.skipped++
	var why []string
	for _, line := range said.output {
		trimmed := strings.TrimSpace(line)
		if trimmed != "" && !strings.HasPrefix(trimmed, "===") && !strings.HasPrefix(trimmed, "--- SKIP") {
			why = append(why, trimmed)
		}
	}
	if len(why) == 0 {
		r.silent = append(r.silent, e.Package+" "+e.Test)
		return
	}
	fmt.Fprintf(r.out, "skip %s %s: %s\n", e.Package, e.Test, strings.Join(why, " "))
}

// close prints the sum and tells whether all is well.
func (r *report) close() bool {
	for _, name := range r.silent {
		fmt.Fprintf(r.out, "skipped without saying why: %s\n", name)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if r.passed+r.failed == 0 {
		fmt.Fprintln(r.out, "no test ran")
		return false
	}
	return r.failed == 0 && len(r.silent) == 0
}
