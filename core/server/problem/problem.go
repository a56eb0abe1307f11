// Package problem is how the core says that something went wrong: RFC 9457
// problem details, the same from every part of the server.
//
// What belongs here: the shape, the usual problems, writing one to a client.
// What does not: which error of a room is which problem (core/server/api).
package problem

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// Problem is one answer that says no. It is a value that is not changed after
// it was made; With* methods give changed copies.
type Problem struct {
	Type     string   `json:"type" doc:"What kind of problem it is; about:blank says no more than the status does." example:"about:blank"`
	Title    string   `json:"title" doc:"The problem in a few words, the same for every occurrence." example:"Forbidden"`
	Status   int      `json:"status" doc:"HTTP status code." example:"403"`
	Detail   string   `json:"detail,omitempty" doc:"What happened this time, for a person." example:"You may not manage the members of this project."`
	Instance string   `json:"instance,omitempty" doc:"The request id, which the server's log has too." example:"urn:atoll:request:c2f1b0a4d8e64a31"`
	Missing  *Missing `json:"missing,omitempty" doc:"The permission that was missing, for denials."`
	Errors   []Fault  `json:"errors,omitempty" doc:"What is wrong with the request, one by one."`

	retryAfter time.Duration
	header     http.Header
}

// Missing is the permission that would have been needed, and where.
type Missing struct {
	Permission string `json:"permission" example:"members.manage"`
	Scope      string `json:"scope" doc:"platform, workspaces/{workspace}, clusters/{cluster} or clusters/{cluster}/projects/{project}" example:"clusters/local/projects/demo"`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Pointer   string `json:"pointer,omitempty" doc:"JSON Pointer into the body" example:"/expiresIn"`
	Parameter string `json:"parameter,omitempty" doc:"Parameter of the path, the query or the header" example:"query.limit"`
	Message   string `json:"message" example:"expected a duration such as 720h"`
}

// New makes a problem with the usual title of a status.
func New(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Newf is New with a formatted detail.
func Newf(status int, format string, args ...any) *Problem {
	return New(status, fmt.Sprintf(format, args...))
}

// Error is the detail, or the title where there is none.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// GetStatus is the HTTP status code.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType turns JSON into problem+json.
func (p *Problem) ContentType(string) string { return ContentType }

// GetHeaders are the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	h := p.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	return h
}

// WithType gives the same problem with a type that programs tell it by.
func (p *Problem) WithType(t string) *Problem {
	c := *p
	c.Type = t
	return &c
}

// WithInstance gives the same problem for one request.
func (p *Problem) WithInstance(requestID string) *Problem {
	if requestID == "" {
		return p
	}
	c := *p
	c.Instance = "urn:atoll:request:" + requestID
	return &c
}

// WithMissing gives the same problem with the permission that was missing.
func (p *Problem) WithMissing(permission, scope string) *Problem {
	c := *p
	c.Missing = &Missing{Permission: permission, Scope: scope}
	return &c
}

// WithErrors gives the same problem with what is wrong in the request.
func (p *Problem) WithErrors(faults ...Fault) *Problem {
	c := *p
	c.Errors = append(append([]Fault(nil), p.Errors...), faults...)
	return &c
}

// WithRetryAfter gives the same problem with a time to wait.
func (p *Problem) WithRetryAfter(d time.Duration) *Problem {
	c := *p
	c.retryAfter = d
	return &c
}

// WithHeader gives the same problem with one more header.
func (p *Problem) WithHeader(name, value string) *Problem {
	c := *p
	c.header = p.header.Clone()
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Add(name, value)
	return &c
}

// Write answers a request with the problem. Of a HEAD request only the head is
// written.
func (p *Problem) Write(w http.ResponseWriter, r *http.Request) {
	text, err := json.Marshal(p)
	if err != nil {
		text = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
	}
	h := w.Header()
	for name, values := range p.GetHeaders() {
		h[name] = values
	}
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Del("Etag")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text)
	}
}
