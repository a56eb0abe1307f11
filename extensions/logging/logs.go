// The route for lines: reads the chosen containers, follows them and the pods
// that come, and writes what they say as one stream of JSON lines.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
)

// serveLogs answers lines as NDJSON. What goes wrong with one container is a
// line of kind notice, and the others go on.
func (k *kubernetes) serveLogs(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r)
	if err != nil {
		fail(w, http.StatusBadRequest, "The query cannot be understood", err.Error())
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	f := &following{kubernetes: k, query: q, merger: newMerger(), containers: map[string]*container{}, reading: map[string]bool{}}
	f.notices = f.merger.add()
	f.notices.open()
	version, err := f.begin(ctx)
	if err != nil {
		failKubernetes(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w).Flush
	_ = flush() // who listens learns that there is an answer before there is a line
	if q.follow {
		f.readers.Go(func() { f.watch(ctx, version) })
	} else {
		f.notices.close()
		f.merger.finish()
	}
	err = f.merger.run(ctx, func(ready []line) error {
		var b bytes.Buffer
		for i := range ready {
			if !q.timestamps {
				ready[i].Time = ""
			}
			ready[i].appendJSON(&b)
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
		return flush()
	})
	cancel()
	f.readers.Wait()
	if err != nil && r.Context().Err() == nil {
		atoll.Log.WarnContext(r.Context(), "a log stream broke off", "error", err.Error())
	}
}

// failKubernetes says what Kubernetes said, before anything was answered.
func failKubernetes(w http.ResponseWriter, err error) {
	var status *statusError
	if !errors.As(err, &status) {
		fail(w, http.StatusBadGateway, "The pods cannot be read", err.Error())
		return
	}
	switch status.Code {
	case http.StatusForbidden, http.StatusUnauthorized:
		fail(w, http.StatusForbidden, "The pods may not be read", status.Message)
	case http.StatusNotFound:
		fail(w, http.StatusNotFound, "There is no such object", status.Message)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusGatewayTimeout:
		fail(w, http.StatusServiceUnavailable, "The cluster does not answer", status.Message)
	default:
		fail(w, http.StatusBadGateway, "The pods cannot be read", fmt.Sprintf("Kubernetes answered %d: %s", status.Code, status.Message))
	}
}

// begin finds the pods and starts to read them.
func (f *following) begin(ctx context.Context) (version string, err error) {
	if f.gvr != "" {
		if f.selector, err = f.kubernetes.selector(ctx, f.project, f.gvr, f.object); err != nil {
			return "", err
		}
	}
	return f.list(ctx)
}

// list reads all pods as they are now.
func (f *following) list(ctx context.Context) (version string, err error) {
	found := map[string]bool{}
	seen := 0
	version, more, err := f.kubernetes.pods(ctx, f.project, f.selector, func(p *pod) {
		if f.has(p.Metadata.Name) {
			found[p.Metadata.Name] = true
			seen++
			f.see(ctx, p)
		}
	})
	if err != nil {
		return "", err
	}
	switch {
	case more:
		f.notice("", "", "only the first %d pods of the project were looked at; choose a workload or pods", maxScanned)
	case seen == 0 && len(f.query.pods) == 0:
		f.notice("", "", "there are no pods here yet")
	}
	for _, name := range f.query.pods {
		if !found[name] && !more {
			f.notice(name, "", "there is no pod %s", name)
		}
	}
	return version, nil
}

// watch sees pods that come and change, until ctx ends.
func (f *following) watch(ctx context.Context, version string) {
	for pause := time.Duration(0); ctx.Err() == nil; {
		next, err := f.kubernetes.watch(ctx, f.project, f.selector, version, func(kind string, p *pod) {
			pause = 0
			if !f.has(p.Metadata.Name) {
				return
			}
			if kind == "DELETED" {
				f.gone(p)
				return
			}
			f.see(ctx, p)
		})
		version = next
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errGone) {
			version, err = f.list(ctx)
		}
		if err != nil {
			var status *statusError
			if errors.As(err, &status) && (status.Code == http.StatusForbidden || status.Code == http.StatusUnauthorized) {
				f.notice("", "", "new pods are not seen any more: %s", status.Message)
				return
			}
			atoll.Log.WarnContext(ctx, "watching pods", "error", err.Error())
		}
		pause = min(2*pause+200*time.Millisecond, 10*time.Second)
		if !sleep(ctx, pause) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
