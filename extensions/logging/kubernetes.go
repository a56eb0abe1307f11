// What is read of Kubernetes: pods, in the few fields that matter here, one at a
// time, so that a large project does not become a large document in memory.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// kubernetes asks the API server of the request's cluster as the caller.
type kubernetes struct {
	door http.RoundTripper
}

// statusError is an answer of the API server that is no success.
type statusError struct {
	Code    int
	Message string
}

func (e *statusError) Error() string { return e.Message }

// maxMessage bounds what is read of an error, in bytes.
const maxMessage = 8 << 10

// get asks for a path; the caller closes the body of a success.
func (k *kubernetes) get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	u := &url.URL{Scheme: "http", Host: "kubernetes", Path: path, RawQuery: query.Encode()}
	r := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"Accept": {"application/json, */*"}}}).WithContext(ctx)
	response, err := k.door.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("asking Kubernetes: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxMessage)) // what came is enough
	var status struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &status) != nil || status.Message == "" {
		status.Message = http.StatusText(response.StatusCode)
	}
	return nil, &statusError{response.StatusCode, status.Message}
}

type metadata struct {
	Name              string            `json:"name"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	CreationTimestamp string            `json:"creationTimestamp"`
	DeletionTimestamp string            `json:"deletionTimestamp"`
	Labels            map[string]string `json:"labels"`
}

type containerSpec struct {
	Name string `json:"name"`
}

type containerState struct {
	Waiting *struct {
		Reason string `json:"reason"`
	} `json:"waiting"`
	Running    *struct{} `json:"running"`
	Terminated *struct {
		Reason   string `json:"reason"`
		ExitCode int    `json:"exitCode"`
		Finished string `json:"finishedAt"`
	} `json:"terminated"`
}

type containerStatus struct {
	Name         string         `json:"name"`
	ContainerID  string         `json:"containerID"`
	Ready        bool           `json:"ready"`
	RestartCount int            `json:"restartCount"`
	State        containerState `json:"state"`
	LastState    containerState `json:"lastState"`
}

type pod struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		NodeName            string          `json:"nodeName"`
		Containers          []containerSpec `json:"containers"`
		InitContainers      []containerSpec `json:"initContainers"`
		EphemeralContainers []containerSpec `json:"ephemeralContainers"`
	} `json:"spec"`
	Status struct {
		Phase                      string            `json:"phase"`
		Reason                     string            `json:"reason"`
		ContainerStatuses          []containerStatus `json:"containerStatuses"`
		InitContainerStatuses      []containerStatus `json:"initContainerStatuses"`
		EphemeralContainerStatuses []containerStatus `json:"ephemeralContainerStatuses"`
	} `json:"status"`
}

// containers are all of a pod's, init containers first, as they run.
func (p *pod) containers() []containerSpec {
	all := append([]containerSpec(nil), p.Spec.InitContainers...)
	return append(append(all, p.Spec.Containers...), p.Spec.EphemeralContainers...)
}

// status is a container's, the zero value when the kubelet has said nothing yet.
func (p *pod) status(container string) containerStatus {
	for _, list := range [][]containerStatus{p.Status.ContainerStatuses, p.Status.InitContainerStatuses, p.Status.EphemeralContainerStatuses} {
		for _, s := range list {
			if s.Name == container {
				return s
			}
		}
	}
	return containerStatus{Name: container}
}

const (
	pageSize = 250
	// maxScanned bounds how many pods of a project are looked at.
	maxScanned = 2000
)

// pods lists the pods of a project that a label selector takes, each given to
// visit as it is read. It answers the resource version to watch from, and whether
// there are more than were looked at.
func (k *kubernetes) pods(ctx context.Context, project, selector string, visit func(*pod)) (version string, more bool, err error) {
	query := url.Values{"limit": {fmt.Sprint(pageSize)}}
	if selector != "" {
		query.Set("labelSelector", selector)
	}
	for seen := 0; ; {
		body, err := k.get(ctx, "/api/v1/namespaces/"+project+"/pods", query)
		if err != nil {
			return "", false, err
		}
		list, err := readList(body, func(p *pod) { seen++; visit(p) })
		body.Close()
		if err != nil {
			return "", false, fmt.Errorf("reading the list of pods: %w", err)
		}
		if version == "" {
			version = list.ResourceVersion
		}
		if list.Continue == "" {
			return version, false, nil
		}
		if seen >= maxScanned {
			return version, true, nil
		}
		query.Set("continue", list.Continue)
	}
}

type listMetadata struct {
	ResourceVersion string `json:"resourceVersion"`
	Continue        string `json:"continue"`
}

var errShape = errors.New("not a list of Kubernetes")

// readList reads a list one item at a time.
func readList(r io.Reader, visit func(*pod)) (m listMetadata, err error) {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return m, errors.Join(errShape, err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return m, err
		}
		switch key {
		case "metadata":
			err = d.Decode(&m)
		case "items":
			err = readItems(d, visit)
		default:
			var skip json.RawMessage
			err = d.Decode(&skip)
		}
		if err != nil {
			return m, err
		}
	}
	return m, nil
}

func readItems(d *json.Decoder, visit func(*pod)) error {
	t, err := d.Token()
	if err != nil || t == nil { // null: an empty list
		return err
	}
	for d.More() {
		p := &pod{}
		if err := d.Decode(p); err != nil {
			return err
		}
		visit(p)
	}
	_, err = d.Token()
	return err
}

// workloads are the kinds whose pods are found by their selector.
var workloads = map[string]string{
	"apps/v1/deployments": "/apis/apps/v1/namespaces/%s/deployments/%s", "apps/v1/statefulsets": "/apis/apps/v1/namespaces/%s/statefulsets/%s",
	"apps/v1/daemonsets": "/apis/apps/v1/namespaces/%s/daemonsets/%s", "apps/v1/replicasets": "/apis/apps/v1/namespaces/%s/replicasets/%s",
	"batch/v1/jobs": "/apis/batch/v1/namespaces/%s/jobs/%s",
}

// selector is the label selector of a workload's pods.
func (k *kubernetes) selector(ctx context.Context, project, gvr, name string) (string, error) {
	body, err := k.get(ctx, fmt.Sprintf(workloads[gvr], project, name), nil)
	if err != nil {
		return "", err
	}
	defer body.Close()
	var object struct {
		Spec struct {
			Selector struct {
				MatchLabels      map[string]string `json:"matchLabels"`
				MatchExpressions []struct {
					Key      string   `json:"key"`
					Operator string   `json:"operator"`
					Values   []string `json:"values"`
				} `json:"matchExpressions"`
			} `json:"selector"`
		} `json:"spec"`
	}
	if err := json.NewDecoder(body).Decode(&object); err != nil {
		return "", fmt.Errorf("reading %s %s: %w", gvr, name, err)
	}
	var parts []string
	for key, value := range object.Spec.Selector.MatchLabels {
		parts = append(parts, key+"="+value)
	}
	for _, e := range object.Spec.Selector.MatchExpressions {
		switch e.Operator {
		case "In":
			parts = append(parts, e.Key+" in ("+strings.Join(e.Values, ",")+")")
		case "NotIn":
			parts = append(parts, e.Key+" notin ("+strings.Join(e.Values, ",")+")")
		case "Exists":
			parts = append(parts, e.Key)
		case "DoesNotExist":
			parts = append(parts, "!"+e.Key)
		}
	}
	if len(parts) == 0 {
		return "", fmt.Errorf("%s %s selects no pods", gvr, name)
	}
	return strings.Join(parts, ","), nil
}

// event is one line of a watch.
type event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

var errGone = errors.New("the history asked for is no longer kept")

// watch gives changes of pods after a version to visit until the stream ends;
// the answer is the version to go on from. errGone asks for a new list.
func (k *kubernetes) watch(ctx context.Context, project, selector, version string, visit func(kind string, p *pod)) (string, error) {
	query := url.Values{"watch": {"true"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {version}}
	if selector != "" {
		query.Set("labelSelector", selector)
	}
	body, err := k.get(ctx, "/api/v1/namespaces/"+project+"/pods", query)
	var status *statusError
	if errors.As(err, &status) && status.Code == http.StatusGone {
		return "", errGone
	}
	if err != nil {
		return version, err
	}
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var e event
		if err := d.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil // a watch ends after some minutes
			}
			return version, err
		}
		if e.Type == "ERROR" {
			return "", errGone
		}
		p := &pod{}
		if err := json.Unmarshal(e.Object, p); err != nil {
			return version, fmt.Errorf("reading a change of a pod: %w", err)
		}
		version = p.Metadata.ResourceVersion
		if e.Type != "BOOKMARK" {
			visit(e.Type, p)
		}
	}
}
