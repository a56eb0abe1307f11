// Command bench measures the built binary as a whole: how long it takes to
// start, how much memory it holds when nobody asks for anything, and what a
// request to an extension's route takes.
//
// With a running cluster (build/run/atoll.json names its kubeconfig) the
// measured Atoll is connected to it, as it is in use.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

// options are what the flags say.
type options struct {
	atoll, facts, only, profile string
	starts                      int
	idle                        time.Duration
	rounds                      int
	round                       time.Duration
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == loadWord {
		end(runLoad())
		return
	}
	var o options
	out := flag.String("out", "", "file to write figures to; standard output when empty")
	flag.StringVar(&o.atoll, "atoll", "build/atoll", "the binary to measure")
	flag.StringVar(&o.facts, "facts", "build/run/atoll.json", "where a running cluster is named; need not exist")
	flag.StringVar(&o.only, "only", "", "start, idle, membership or route: measure nothing else")
	flag.IntVar(&o.starts, "starts", 11, "how many starts to take the median of")
	flag.DurationVar(&o.idle, "idle", time.Minute, "how long nobody asks before memory is read")
	flag.IntVar(&o.rounds, "rounds", 7, "rounds of load on the route and its peer, in turns")
	flag.DurationVar(&o.round, "round", 3*time.Second, "how long each round measures")
	flag.StringVar(&o.profile, "profile", "", "instead of figures: keep CPU profiles of the servers under load in this folder")
	flag.Parse()
	figures, err := measure(o)
	end(err)
	end(figure.Write(*out, figures))
}

// end ends the program where there is an error.
func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(o options) (figures []figure.Figure, err error) {
	dir, err := os.MkdirTemp("", "atoll-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if o.atoll, err = filepath.Abs(o.atoll); err != nil {
		return nil, err
	}
	if o.profile != "" {
		return nil, profileRoute(o, dir)
	}
	b, err := newSite(filepath.Join(dir, "atoll"), o.facts, o.atoll, "serve", "--config")
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name    string
		measure func() ([]figure.Figure, error)
	}{
		{"start", func() ([]figure.Figure, error) { return b.startTime(o.starts) }},
		{"idle", func() ([]figure.Figure, error) { return b.idleMemory(o.idle) }},
		{"membership", b.membership},
		{"route", func() ([]figure.Figure, error) { return b.route(o, dir) }},
	} {
		if !strings.Contains(part.name, o.only) {
			continue
		}
		found, err := part.measure()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		figures = append(figures, found...)
	}
	return figures, nil
}

func round(v float64) float64 {
	f, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 4, 64), 64)
	return f
}
