// Figures for Prometheus.

package server

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/atoll-platform/atoll/core/kube"
)

// metrics are those of one server: nothing is registered globally.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec

	// What each request counts in, found once: by kind, and by all labels.
	kinds    map[string]kindMetrics
	mu       sync.RWMutex
	answered map[series]prometheus.Counter
}

// kindMetrics are those that have the label kind alone.
type kindMetrics struct {
	inFlight prometheus.Gauge
	seconds  prometheus.Observer
}

// series is what answers are counted by.
type series struct {
	kind, method string
	status       int
}

func newMetrics(version, commit string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "atoll_http_requests_total", Help: "Requests answered, by kind, method and status."}, []string{"kind", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "atoll_http_request_seconds", Help: "How long requests took, to the end of their answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60}}, []string{"kind"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "atoll_http_requests_in_flight", Help: "Requests being answered, by kind."}, []string{"kind"}),
	}
	m.kinds, m.answered = map[string]kindMetrics{}, map[series]prometheus.Counter{}
	for _, kind := range []string{kindAPI, kindCluster, kindExtension, kindHealth, kindSignIn, kindConsole} {
		m.kinds[kind] = kindMetrics{inFlight: m.inFlight.WithLabelValues(kind), seconds: m.seconds.WithLabelValues(kind)}
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "atoll_build_info", Help: "Version and commit of this build.", ConstLabels: prometheus.Labels{"version": version, "commit": commit}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// follow adds the figures that the rooms know at any time.
func (m *metrics) follow(s *Server) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("atoll_stream_connections", "Live connections of browser tabs.", func() float64 { c, _ := s.hub.Count(); return float64(c) })
	gauge("atoll_stream_subscriptions", "Subscriptions of all live connections.", func() float64 { _, n := s.hub.Count(); return float64(n) })
	gauge("atoll_cluster_requests_in_flight", "Requests to clusters in flight, watches and sessions included.", func() float64 { return float64(s.proxy.InFlight()) })
	gauge("atoll_clusters_ready", "Clusters whose API answers.", func() float64 {
		ready := 0
		for _, c := range s.clusters.List() {
			if c.Phase == kube.PhaseReady {
				ready++
			}
		}
		return float64(ready)
	})
	gauge("atoll_audit_lost_total", "Audit events that could not be written; should be 0.", func() float64 { return float64(s.audit.Lost()) })
	m.registry.MustRegister(guests{s}, usages{s})
	if _, own := s.sandbox.Process(); own {
		m.registry.MustRegister(sandboxProcess{s})
	}
}

func (m *metrics) count(kind, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other" // a client must not make new series
	}
	m.counter(series{kind, method, status}).Inc()
	m.kinds[kind].seconds.Observe(took.Seconds())
}

func (m *metrics) counter(a series) prometheus.Counter {
	m.mu.RLock()
	c := m.answered[a]
	m.mu.RUnlock()
	if c == nil {
		c = m.requests.WithLabelValues(a.kind, a.method, strconv.Itoa(a.status))
		m.mu.Lock()
		m.answered[a] = c
		m.mu.Unlock()
	}
	return c
}

// guests collects the figures of extensions as they are when asked for.
type guests struct{ s *Server }

var (
	guestInstances = prometheus.NewDesc("atoll_extension_instances", "Instances of an extension.", []string{"extension"}, nil)
	guestMemory    = prometheus.NewDesc("atoll_extension_memory_bytes", "Linear memory of an extension's instances.", []string{"extension"}, nil)
	guestStreams   = prometheus.NewDesc("atoll_extension_streams", "Requests of an extension in flight.", []string{"extension"}, nil)
	guestRequests  = prometheus.NewDesc("atoll_extension_requests_total", "Requests to an extension.", []string{"extension"}, nil)
	guestFaults    = prometheus.NewDesc("atoll_extension_faults_total", "Instances that ended by their own fault.", []string{"extension"}, nil)
	guestBreakers  = prometheus.NewDesc("atoll_extension_breakers_open", "Workspaces and users for whom an extension is not asked for a while.", []string{"extension", "version"}, nil)
)

// Describe is prometheus.Collector's.
func (g guests) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{guestInstances, guestMemory, guestStreams, guestRequests, guestFaults, guestBreakers} {
		ch <- d
	}
}

// Collect is prometheus.Collector's.
func (g guests) Collect(ch chan<- prometheus.Metric) {
	for _, e := range g.s.extensions.List("") {
		for _, one := range []struct {
			desc  *prometheus.Desc
			kind  prometheus.ValueType
			value float64
		}{
			{guestInstances, prometheus.GaugeValue, float64(e.Instances)},
			{guestMemory, prometheus.GaugeValue, float64(e.MemoryBytes)},
			{guestStreams, prometheus.GaugeValue, float64(e.Streams)},
			{guestRequests, prometheus.CounterValue, float64(e.Requests)},
			{guestFaults, prometheus.CounterValue, float64(e.Faults)},
		} {
			ch <- prometheus.MustNewConstMetric(one.desc, one.kind, one.value, e.Name)
		}
		ch <- prometheus.MustNewConstMetric(guestBreakers, prometheus.GaugeValue, float64(len(e.Breakers)), e.Name, e.Version)
	}
}

// sandboxProcess collects the figures of the sandbox's own process.
type sandboxProcess struct{ s *Server }

var (
	sandboxUp       = prometheus.NewDesc("atoll_sandbox_up", "Whether the sandbox's process runs; without it extensions do not.", nil, nil)
	sandboxRestarts = prometheus.NewDesc("atoll_sandbox_restarts_total", "How often the sandbox's process was started after it had ended; should be 0.", nil, nil)
	sandboxRunning  = prometheus.NewDesc("atoll_sandbox_running", "Turns, starts and modules that the sandbox's process was asked for and has not answered.", nil, nil)
	sandboxMemory   = prometheus.NewDesc("atoll_sandbox_resident_memory_bytes", "Resident memory of the sandbox's process; 0 where the system does not say.", nil, nil)
)

// Describe is prometheus.Collector's.
func (sandboxProcess) Describe(ch chan<- *prometheus.Desc) {
	ch <- sandboxUp
	ch <- sandboxRestarts
	ch <- sandboxRunning
	ch <- sandboxMemory
}

// Collect is prometheus.Collector's.
func (p sandboxProcess) Collect(ch chan<- prometheus.Metric) {
	life, _ := p.s.sandbox.Process()
	up := 0.0
	if life.Up {
		up = 1
	}
	ch <- prometheus.MustNewConstMetric(sandboxUp, prometheus.GaugeValue, up)
	ch <- prometheus.MustNewConstMetric(sandboxRestarts, prometheus.CounterValue, float64(life.Restarts))
	ch <- prometheus.MustNewConstMetric(sandboxRunning, prometheus.GaugeValue, float64(life.Running))
	ch <- prometheus.MustNewConstMetric(sandboxMemory, prometheus.GaugeValue, float64(life.Memory))
}

// serveMetrics answers the figures.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// metricsOpen tells whether a program on this machine asks, where the
// configuration opens the figures to those.
func (s *Server) metricsOpen(r *http.Request) bool {
	return s.config.Metrics.OpenOnLoopback && loopbackAddress(r.RemoteAddr) && r.Header.Get("Sec-Fetch-Site") == ""
}
