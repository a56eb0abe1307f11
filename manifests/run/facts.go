// The facts of a running Atoll, in a file that only its owner may read:
// scripts and tests find their way by it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// facts is build/run/atoll.json.
type facts struct {
	URL             string `json:"url"`                       // console and API, loopback HTTP
	KubeURL         string `json:"kubeURL"`                   // HTTPS with Atoll's own CA, for kubectl
	Username        string `json:"username,omitempty"`        // the administrator
	Password        string `json:"password,omitempty"`        //
	Kubeconfig      string `json:"kubeconfig,omitempty"`      // of the cluster itself, not through Atoll
	AtollKubeconfig string `json:"atollKubeconfig,omitempty"` // the administrator's, through Atoll
	Node            string `json:"node,omitempty"`            // real or simulated
	PID             int    `json:"pid,omitempty"`             // of atoll
	Ready           bool   `json:"ready"`                     // Atoll, the cluster and the demo workspace all stand
}

// addresses is what the next start wants to know, without secrets.
func (f facts) addresses() facts { return facts{URL: f.URL, KubeURL: f.KubeURL} }

// write replaces the file in one step.
func (f facts) write(name string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return os.Rename(name+".new", name)
}

func readFacts(name string) (facts, error) {
	var f facts
	text, err := os.ReadFile(name)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("reading %s: %w", name, err)
	}
	return f, nil
}
