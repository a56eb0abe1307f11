// The client, and how it is used: one request after the other in turns for the
// median, 32 connections at once for the throughput.

package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const connections = 32

// newClient is the same for every place: HTTP/1.1, connections kept.
func newClient(t *tls.Config) *http.Client {
	if t != nil {
		t = t.Clone()
		t.NextProtos = []string{"http/1.1"}
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: t, MaxIdleConnsPerHost: connections, DisableCompression: true, Proxy: nil,
	}}
}

// get asks once and reads the whole answer.
func (p *place) get() (time.Duration, error) {
	req, err := http.NewRequest(http.MethodGet, p.url, nil)
	if err != nil {
		return 0, err
	}
	for name, values := range p.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	begun := time.Now()
	res, err := p.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("asking %s: %w", p.name, err)
	}
	n, err := io.Copy(io.Discard, res.Body)
	took := time.Since(begun)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || n == 0 {
		return 0, fmt.Errorf("asking %s: %s, %d bytes, %w", p.name, res.Status, n, err)
	}
	return took, nil
}

// latencies are the medians of each place, asked in turns.
func latencies(places []*place, rounds int) (map[*place]time.Duration, error) {
	all := map[*place][]time.Duration{}
	for round := range rounds + 2 {
		for i := range places {
			p := places[(i+round)%len(places)]
			for range 50 {
				took, err := p.get()
				if err != nil {
					return nil, err
				}
				if round >= 2 { // warm
					all[p] = append(all[p], took)
				}
			}
		}
	}
	medians := map[*place]time.Duration{}
	for p, took := range all {
		slices.Sort(took)
		medians[p] = took[len(took)/2]
	}
	return medians, nil
}

// throughputs are requests per second of each place at 32 connections, in
// slices taken in turns.
func throughputs(places []*place, load time.Duration) (map[*place]float64, error) {
	const slicesOfTime = 5
	counts := map[*place]int64{}
	var spent = map[*place]time.Duration{}
	for turn := range slicesOfTime + 1 {
		for _, p := range places {
			n, took, err := p.load(load / slicesOfTime)
			if err != nil {
				return nil, err
			}
			if turn > 0 { // warm
				counts[p] += n
				spent[p] += took
			}
		}
	}
	rates := map[*place]float64{}
	for p, n := range counts {
		rates[p] = float64(n) / spent[p].Seconds()
	}
	return rates, nil
}

func (p *place) load(d time.Duration) (int64, time.Duration, error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	begun := time.Now()
	end := begun.Add(d)
	for range connections {
		wait.Go(func() {
			for time.Now().Before(end) && failed.Load() == nil {
				if _, err := p.get(); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	return count.Load(), time.Since(begun), nil
}

// anyPod is the path of the pod to be asked for: any that runs.
func anyPod(p *place) (string, error) {
	req, err := http.NewRequest(http.MethodGet, p.url+"/api/v1/pods", nil)
	if err != nil {
		return "", err
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("looking for a pod: %w", err)
	}
	defer res.Body.Close()
	type pod struct {
		Metadata struct {
			Name, Namespace   string
			CreationTimestamp time.Time
		}
		Status struct{ Phase string }
	}
	var list struct{ Items []pod }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return "", fmt.Errorf("looking for a pod: %w", err)
	}
	// The oldest is the least likely to go away meanwhile.
	slices.SortFunc(list.Items, func(a, b pod) int { return a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp) })
	for _, p := range list.Items {
		if p.Status.Phase == "Running" {
			return "/api/v1/namespaces/" + p.Metadata.Namespace + "/pods/" + p.Metadata.Name, nil
		}
	}
	return "", fmt.Errorf("looking for a pod: none is running")
}

// clusterOf is the cluster's name in https://host/clusters/{name}.
func clusterOf(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/clusters/"), "/")
	return name
}
