// Command bench measures the built binary as a whole: how long it takes to
// start, how much memory it holds when nobody asks for anything, and what a
// request to an extension's route takes. It prints one JSON object a line:
// {"name", "value", "unit", "peer"?, "peerValue"?, "note"}.
//
// With a running cluster (build/run/atoll.json names its kubeconfig) the
// measured Atoll is connected to it, as it is in use.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is one measured value; a peer is what it was compared with in the same run.
type figure struct {
	Name      string   `json:"name"`
	Value     float64  `json:"value"`
	Unit      string   `json:"unit"`
	Peer      string   `json:"peer,omitempty"`
	PeerValue *float64 `json:"peerValue,omitempty"`
	Note      string   `json:"note,omitempty"`
}

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
	end(write(*out, figures))
}

// end ends the program where there is an error.
func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func write(name string, figures []figure) error {
	var b bytes.Buffer
	for _, f := range figures {
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	if name == "" {
		_, err := os.Stdout.Write(b.Bytes())
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

func measure(o options) (figures []figure, err error) {
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
		measure func() ([]figure, error)
	}{
		{"start", func() ([]figure, error) { return b.startTime(o.starts) }},
		{"idle", func() ([]figure, error) { return b.idleMemory(o.idle) }},
		{"membership", b.membership},
		{"route", func() ([]figure, error) { return b.route(o, dir) }},
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

// middle is the median.
func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
