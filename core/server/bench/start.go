// Starting, and what is held when nobody asks.

package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

// startTime measures starts with everything compiled.
func (b *site) startTime(starts int) ([]figure.Figure, error) {
	var took []float64
	for range starts {
		p, d, err := b.start()
		if err != nil {
			return nil, err
		}
		took = append(took, d.Seconds())
		if err := p.stop(); err != nil {
			return nil, err
		}
	}
	return []figure.Figure{{Name: "start.time", Value: round(figure.Median(took)), Unit: "s",
		Note: fmt.Sprintf("median of %d starts, slowest %.3f s; to /healthz and /api/v1/clusters by a token; %s", starts, slices.Max(took), b.cluster)}}, nil
}

// idleMemory is what all processes of an Atoll hold after nobody has asked for a
// while, with every shipped extension active.
func (b *site) idleMemory(idle time.Duration) (figures []figure.Figure, err error) {
	p, _, err := b.start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var list struct {
		Items []struct {
			Name, Phase string
			Builtin     bool
		}
	}
	if err := b.call(p, http.MethodGet, "/api/v1/extensions", nil, &list); err != nil {
		return nil, err
	}
	var shipped []string
	for _, e := range list.Items {
		if e.Phase != "Active" {
			return nil, fmt.Errorf("extension %s is %s, and it has to be Active", e.Name, e.Phase)
		}
		if e.Builtin {
			shipped = append(shipped, e.Name)
		}
	}
	if len(shipped) == 0 {
		return nil, errors.New("the binary carries no extension, so that there is nothing to measure: build it with make")
	}
	time.Sleep(idle)
	pids, err := family(p.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	mib := 0.0
	for _, pid := range pids {
		kib, err := resident(pid)
		if err != nil {
			return nil, err
		}
		mib += float64(kib) / 1024
	}
	return []figure.Figure{{Name: "idle.memory", Value: round(mib), Unit: "MiB",
		Note: fmt.Sprintf("%d process(es), idle for %s, active: %s; %s", len(pids), idle, strings.Join(shipped, ", "), b.cluster)}}, nil
}
