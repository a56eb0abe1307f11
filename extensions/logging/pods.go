// The route for pods: what the pickers and the table of the pages show.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// podView is a pod as the pages show it.
type podView struct {
	Name       string          `json:"name"`
	UID        string          `json:"uid"`
	State      string          `json:"state"`
	Ready      string          `json:"ready"` // "1/2"
	Restarts   int             `json:"restarts"`
	Node       string          `json:"node,omitempty"`
	CreatedAt  string          `json:"createdAt"`
	Containers []containerView `json:"containers"`
}

type containerView struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Restarts int    `json:"restarts"`
	Init     bool   `json:"init,omitempty"`
}

// podList is the answer of the route.
type podList struct {
	Items      []podView `json:"items"`
	Names      []string  `json:"names"`      // of pods, sorted
	Containers []string  `json:"containers"` // names of containers, sorted, each once
	Total      int       `json:"total"`
	More       bool      `json:"more,omitempty"` // there are pods that were not looked at
}

// maxListed bounds how many pods are listed.
const maxListed = 500

func (k *kubernetes) servePods(w http.ResponseWriter, r *http.Request) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, "The query cannot be understood", "it is not well-formed")
		return
	}
	s, err := parseSelection(r, values)
	if err != nil {
		fail(w, http.StatusBadRequest, "The query cannot be understood", err.Error())
		return
	}
	selector := ""
	if s.gvr != "" {
		if selector, err = k.selector(r.Context(), s.project, s.gvr, s.object); err != nil {
			failKubernetes(w, err)
			return
		}
	}
	list := podList{Items: []podView{}, Names: []string{}, Containers: []string{}}
	_, more, err := k.pods(r.Context(), s.project, selector, func(p *pod) {
		if !s.has(p.Metadata.Name) {
			return
		}
		if list.Total++; list.Total > maxListed {
			list.More = true
			return
		}
		list.Items = append(list.Items, view(p))
		list.Names = append(list.Names, p.Metadata.Name)
		for _, c := range p.containers() {
			if !slices.Contains(list.Containers, c.Name) && len(list.Containers) < maxListed {
				list.Containers = append(list.Containers, c.Name)
			}
		}
	})
	if err != nil {
		var status *statusError
		if errors.As(err, &status) || r.Context().Err() == nil {
			failKubernetes(w, err)
		}
		return
	}
	list.More = list.More || more
	slices.SortFunc(list.Items, func(a, b podView) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(list.Names)
	slices.Sort(list.Containers)
	answer(w, list)
}

func view(p *pod) podView {
	v := podView{
		Name: p.Metadata.Name, UID: p.Metadata.UID, State: p.Status.Phase, Node: p.Spec.NodeName,
		CreatedAt: p.Metadata.CreationTimestamp, Containers: []containerView{},
	}
	if p.Status.Reason != "" {
		v.State = p.Status.Reason
	}
	ready := 0
	init := len(p.Spec.InitContainers)
	for i, spec := range p.containers() {
		s := p.status(spec.Name)
		c := containerView{Name: spec.Name, State: stateOf(s), Restarts: s.RestartCount, Init: i < init}
		v.Containers = append(v.Containers, c)
		v.Restarts += s.RestartCount
		if s.Ready && !c.Init {
			ready++
		}
		// As kubectl says it: what keeps a container from running is the pod's state.
		if w := s.State.Waiting; w != nil && w.Reason != "" && w.Reason != "PodInitializing" {
			v.State = w.Reason
		}
		if t := s.State.Terminated; t != nil && t.ExitCode != 0 && v.State == "Running" {
			v.State = t.Reason
		}
	}
	v.Ready = fmt.Sprintf("%d/%d", ready, len(p.Spec.Containers))
	if p.Metadata.DeletionTimestamp != "" {
		v.State = "Terminating"
	}
	return v
}

func stateOf(s containerStatus) string {
	switch {
	case s.State.Running != nil:
		return "Running"
	case s.State.Waiting != nil:
		return s.State.Waiting.Reason
	case s.State.Terminated != nil:
		return s.State.Terminated.Reason
	default:
		return "Waiting"
	}
}
