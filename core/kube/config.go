// What a cluster is told to be, and the knobs of the registry.

package kube

import (
	"errors"
	"log/slog"
	"time"
)

// Config describes one cluster as atoll.yaml lists it.
type Config struct {
	// Name is the cluster's place in paths, /clusters/{name}/...
	Name string
	// Title is what people read; empty means the name.
	Title string
	// Kubeconfig is the file with which the platform itself connects. It need
	// not exist yet: the cluster comes up when it appears and the API answers.
	Kubeconfig string
	// StatusFile tells how a cluster that is being built gets along, in the
	// format of manifests/local; empty means that there is none.
	StatusFile string
}

// Options are the registry's knobs; the zero value is right for production.
type Options struct {
	// Logger receives one line for each change of a cluster's phase.
	Logger *slog.Logger
	// Poll is how often files are looked at, and an API server that is not
	// ready is asked. Default 500 ms.
	Poll time.Duration
	// Probe is how often a ready API server is asked for its health. Default 5 s.
	Probe time.Duration
	// ProbeTimeout bounds one such question. Default 5 s.
	ProbeTimeout time.Duration
	// Patience is how long an API server may give no sign of life before what
	// is open to it is ended, and requests are refused at once. Default 20 s.
	Patience time.Duration
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Poll <= 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Probe <= 0 {
		o.Probe = 5 * time.Second
	}
	if o.ProbeTimeout <= 0 {
		o.ProbeTimeout = 5 * time.Second
	}
	if o.Patience <= 0 {
		o.Patience = 20 * time.Second
	}
	return o
}

// Errors of this package, to be found with errors.Is.
var (
	// ErrNotConnected: the cluster has no usable kubeconfig yet.
	ErrNotConnected = errors.New("the cluster is not connected yet")
	// ErrCaller: a caller that may not be impersonated, for want of the prefix.
	ErrCaller = errors.New("the caller cannot be impersonated")
	// ErrPath: a path that is not canonical.
	ErrPath = errors.New("the path is not canonical")
)
