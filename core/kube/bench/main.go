// Command bench measures what the proxy costs: the same GET of one pod asked of
// kube-apiserver directly, of Atoll, of `kubectl proxy` and through a relay that
// only decrypts and encrypts, in one run, by one client, in turns, so that whatever
// else the machine does falls on all alike.
//
// It needs a running Atoll (build/run/atoll.json).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

// facts are those of build/run/atoll.json that matter here.
type facts struct {
	URL             string `json:"url"`
	Kubeconfig      string `json:"kubeconfig"`
	AtollKubeconfig string `json:"atollKubeconfig"`
}

// place is somewhere to send the GET to.
type place struct {
	name   string
	client *http.Client
	url    string
	token  string
	header http.Header // besides
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == relayWord {
		if err := runRelay(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "relay:", err)
			os.Exit(1)
		}
		return
	}
	run := flag.String("run", "build/run/atoll.json", "what a running Atoll says of itself")
	kubectl := flag.String("kubectl", "", "the kubectl to compare with; empty: the cluster's own, or the one in the path")
	out := flag.String("out", "", "file to write figures to; standard output when empty")
	rounds := flag.Int("rounds", 60, "rounds of 50 requests to each place")
	seconds := flag.Int("seconds", 15, "seconds of load on each place")
	flag.Parse()
	figures, err := measure(*run, *kubectl, *rounds, time.Duration(*seconds)*time.Second)
	if err == nil {
		err = figure.Write(*out, figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(run, kubectl string, rounds int, load time.Duration) ([]figure.Figure, error) {
	text, err := os.ReadFile(run)
	if err != nil {
		return nil, fmt.Errorf("no running Atoll: %w", err)
	}
	var f facts
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("reading %s: %w", run, err)
	}
	if f.Kubeconfig == "" || f.AtollKubeconfig == "" {
		return nil, fmt.Errorf("the running Atoll has no cluster yet: %s names none", run)
	}
	direct, err := placeOf("kube-apiserver", f.Kubeconfig)
	if err != nil {
		return nil, err
	}
	atoll, err := placeOf("atoll", f.AtollKubeconfig)
	if err != nil {
		return nil, err
	}
	path, err := anyPod(direct)
	if err != nil {
		return nil, err
	}
	proxy, end, err := startKubectlProxy(kubectl, f.Kubeconfig)
	if err != nil {
		return nil, err
	}
	defer end()
	// kubectl proxy listens on plain loopback HTTP: so does Atoll.
	plain := place{name: "atoll, plain HTTP", client: newClient(nil), url: f.URL + "/clusters/" + clusterOf(atoll.url), token: atoll.token}
	// What of the difference is kube-apiserver's own: it does more for somebody
	// who is impersonated.
	as, err := atoll.whoami()
	if err != nil {
		return nil, err
	}
	impersonated := place{name: "kube-apiserver, impersonating", client: direct.client, url: direct.url, token: direct.token, header: as}
	// And what no proxy can do without: two connections with TLS instead of one.
	relay, endRelay, err := startRelay(f.Kubeconfig)
	if err != nil {
		return nil, err
	}
	defer endRelay()
	relay.token, relay.header = direct.token, as
	places := []*place{direct, atoll, &plain, proxy, &impersonated, relay}
	for _, p := range places {
		p.url += path
		if _, err := p.get(); err != nil {
			return nil, err
		}
	}

	medians, err := latencies(places, rounds)
	if err != nil {
		return nil, err
	}
	rates, err := throughputs([]*place{&plain, proxy, atoll, direct}, load)
	if err != nil {
		return nil, err
	}
	return []figure.Figure{
		{
			Name: "proxy.get.p50", Value: milliseconds(medians[atoll] - medians[direct]), Unit: "ms",
			Note: fmt.Sprintf("medians over HTTPS: atoll %.3f ms, kube-apiserver %.3f ms, and as the same person by impersonation %.3f ms, that through a relay that reads nothing %.3f ms; over plain HTTP: atoll %.3f ms, kubectl proxy %.3f ms",
				milliseconds(medians[atoll]), milliseconds(medians[direct]), milliseconds(medians[&impersonated]), milliseconds(medians[relay]), milliseconds(medians[&plain]), milliseconds(medians[proxy])),
		},
		{
			Name: "proxy.get.throughput", Value: rates[&plain], Unit: "req/s", Peer: "kubectl proxy", PeerValue: new(rates[proxy]),
			Note: fmt.Sprintf("32 connections, plain HTTP both: kubectl proxy %.0f; atoll over HTTPS %.0f, kube-apiserver directly %.0f req/s", rates[proxy], rates[atoll], rates[direct]),
		},
	}, nil
}

// placeOf is where a kubeconfig points, asked as it says but by the one client
// that all places share the settings of.
func placeOf(name, kubeconfig string) (*place, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of %s: %w", name, err)
	}
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of %s: %w", name, err)
	}
	return &place{name: name, client: newClient(tls), url: config.Host, token: config.BearerToken}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
