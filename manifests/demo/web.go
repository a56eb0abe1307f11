// A web server that logs every access as a line of JSON.
package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"
)

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Demo</title></head>
<body><h1>It works</h1><p>This page is served by the pod %s.</p></body></html>
`

func web(stop <-chan os.Signal) error {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	host, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, page, host)
	})
	return serve(stop, log, logged(log, mux))
}

// logged writes one line per request. Probes are left out: nobody wants to read them.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		if r.URL.Path == "/healthz" {
			return
		}
		level := slog.LevelInfo
		if recorder.status >= 400 {
			level = slog.LevelWarn
		}
		log.Log(r.Context(), level, "access", "method", r.Method, "path", r.URL.Path, "status", recorder.status,
			"bytes", recorder.bytes, "ms", time.Since(began).Milliseconds(), "remote", r.RemoteAddr)
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status, bytes int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	n, err := r.ResponseWriter.Write(b)
	r.bytes += n
	return n, err
}

// serve answers on port 8080 until it is asked to end.
func serve(stop <-chan os.Signal, log *slog.Logger, handler http.Handler) error {
	server := &http.Server{Addr: ":8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.Info("serving", "address", server.Addr)
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-stop:
		log.Info("ending")
		return server.Close()
	}
}
