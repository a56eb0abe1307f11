// That no failure and no silent skip gets past the report.
package main

import (
	"strings"
	"testing"
)

func TestReportFailsForWhatShouldFail(t *testing.T) {
	const passing = `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
	for _, c := range []struct {
		name, in, says string
		well           bool
	}{
		{"a pass is well", passing + `{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}` + "\n" + `{"Action":"pass","Package":"p"}`, "ok  \tp\t0.1s", true},
		{"a failure shows what it said", `{"Action":"output","Package":"p","Test":"TestA","Output":"  a.go:1: wrong\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestA"}`, "a.go:1: wrong", false},
		{"a package that fails by itself", passing + `{"Action":"output","Package":"p","Output":"panic: x\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, "panic: x", false},
		{"a build that fails", passing + `{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined\n"}` + "\n" + `{"Action":"build-fail","ImportPath":"p"}`, "undefined", false},
		{"a skip with its reason is well", passing + `{"Action":"output","Package":"p","Test":"TestB","Output":"    b.go:2: no node here\n"}` + "\n" + `{"Action":"skip","Package":"p","Test":"TestB"}`, "no node here", true},
		{"a silent skip", passing + `{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}` + "\n" + `{"Action":"skip","Package":"p","Test":"TestB"}`, "skipped without saying why: p TestB", false},
		{"nothing ran", "", "no test ran", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			r := report{out: &out, runs: map[[2]string]*run{}}
			if err := r.read(strings.NewReader(c.in)); err != nil {
				t.Fatal(err)
			}
			if well := r.close(); well != c.well || !strings.Contains(out.String(), c.says) {
				t.Errorf("well = %v, and it said:\n%s", well, out.String())
			}
		})
	}
}
