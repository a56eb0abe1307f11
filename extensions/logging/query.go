// What a request asks for: which pods and containers, from when, which lines.
package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxPods and maxContainers bound what one request reads at the same time.
	maxPods       = 50
	maxContainers = 100
	// defaultTail and maxTail are lines of each container.
	defaultTail = 500
	maxTail     = 5000
	maxPattern  = 1024
)

// name is what a pod, container, workload or project may be called.
var name = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// selection is which pods.
type selection struct {
	project string
	pods    []string // these; empty: all
	gvr     string   // of an object whose pods are meant
	object  string
}

// query is a whole request for lines.
type query struct {
	selection
	containers []string // these; empty: all
	match      func(line string) bool
	since      time.Duration // 0: from the beginning
	tail       int
	previous   bool
	timestamps bool
	follow     bool
}

// queryError is a parameter that cannot be understood.
type queryError struct{ parameter, message string }

func (e *queryError) Error() string { return e.parameter + ": " + e.message }

func parseSelection(r *http.Request, values url.Values) (s selection, err error) {
	s = selection{project: r.PathValue("project"), pods: values["pod"], gvr: values.Get("gvr"), object: values.Get("name")}
	for _, n := range append([]string{s.project}, s.pods...) {
		if !name.MatchString(n) {
			return s, &queryError{"pod", fmt.Sprintf("%.64q is no name of a pod", n)}
		}
	}
	if len(s.pods) > maxPods {
		return s, &queryError{"pod", fmt.Sprintf("%d pods are more than the %d that can be read at once", len(s.pods), maxPods)}
	}
	if (s.gvr == "") != (s.object == "") {
		return s, &queryError{"gvr", "gvr and name belong together: gvr=apps/v1/deployments&name=web"}
	}
	if s.gvr == "" {
		return s, nil
	}
	if !name.MatchString(s.object) {
		return s, &queryError{"name", fmt.Sprintf("%.64q is no name of an object", s.object)}
	}
	if s.gvr == "v1/pods" {
		s.pods, s.gvr, s.object = []string{s.object}, "", ""
		return s, nil
	}
	if workloads[s.gvr] == "" {
		return s, &queryError{"gvr", fmt.Sprintf("%.64q has no pods; v1/pods, apps/v1/deployments, statefulsets, daemonsets and replicasets, and batch/v1/jobs have", s.gvr)}
	}
	return s, nil
}

func parseQuery(r *http.Request) (q query, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, &queryError{"query", "it is not well-formed"}
	}
	if q.selection, err = parseSelection(r, values); err != nil {
		return q, err
	}
	q.containers = values["container"]
	for _, c := range q.containers {
		if !name.MatchString(c) || len(q.containers) > maxContainers {
			return q, &queryError{"container", fmt.Sprintf("%.64q is no name of a container, or there are more than %d", c, maxContainers)}
		}
	}
	for parameter, to := range map[string]*bool{"previous": &q.previous, "follow": &q.follow, "timestamps": &q.timestamps} {
		fallback := parameter == "timestamps"
		if *to, err = boolean(values, parameter, fallback); err != nil {
			return q, err
		}
	}
	if q.match, err = parseMatch(values); err != nil {
		return q, err
	}
	if v := values.Get("since"); v != "" {
		if q.since, err = time.ParseDuration(v); err != nil || q.since <= 0 || q.since > 30*24*time.Hour {
			return q, &queryError{"since", fmt.Sprintf("%.64q is no duration such as 90s, 30m or 3h, of at most 720h", v)}
		}
	}
	q.tail = defaultTail
	if q.since > 0 {
		q.tail = maxTail
	}
	if v := values.Get("tail"); v != "" {
		if q.tail, err = strconv.Atoi(v); err != nil || q.tail < 0 || q.tail > maxTail {
			return q, &queryError{"tail", fmt.Sprintf("%.64q is no number of lines from 0 to %d", v, maxTail)}
		}
	}
	if q.previous {
		// What has ended does not go on, and how long ago it ended does not matter to
		// somebody who asks for it.
		q.follow, q.since = false, 0
	}
	return q, nil
}

func boolean(values url.Values, parameter string, fallback bool) (bool, error) {
	v := values.Get(parameter)
	if v == "" {
		return fallback, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, &queryError{parameter, fmt.Sprintf("%.64q is neither true nor false", v)}
	}
	return b, nil
}

// parseMatch makes the filter of lines: a text, or a regular expression (RE2),
// without regard to case unless asked.
func parseMatch(values url.Values) (func(string) bool, error) {
	text := values.Get("text")
	isRegex, err := boolean(values, "regex", false)
	if err != nil {
		return nil, err
	}
	withCase, err := boolean(values, "case", false)
	if err != nil {
		return nil, err
	}
	switch {
	case len(text) > maxPattern:
		return nil, &queryError{"text", fmt.Sprintf("longer than %d bytes", maxPattern)}
	case text == "":
		return func(string) bool { return true }, nil
	case isRegex:
		pattern, err := regexp.Compile(text)
		if err == nil && !withCase {
			pattern, err = regexp.Compile("(?i)" + text)
		}
		if err != nil {
			return nil, &queryError{"text", "not a regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")}
		}
		return pattern.MatchString, nil
	case withCase:
		return func(line string) bool { return strings.Contains(line, text) }, nil
	default:
		// The same folding as the regular expressions', so that both find the same.
		return regexp.MustCompile("(?i)" + regexp.QuoteMeta(text)).MatchString, nil
	}
}

// wants tells whether a container is asked for.
func (q *query) wants(container string) bool {
	return len(q.containers) == 0 || slices.Contains(q.containers, container)
}

// has tells whether a pod is asked for by name.
func (s *selection) has(pod string) bool {
	return len(s.pods) == 0 || slices.Contains(s.pods, pod)
}
