// Errors as RFC 9457 problems, in the host's words. What a guest says is quoted
// in `detail` at most, and never a title.
package extension

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/fragment"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// problem is application/problem+json.
type problem struct {
	Type       string               `json:"type"`
	Title      string               `json:"title"`
	Status     int                  `json:"status"`
	Detail     string               `json:"detail,omitempty"`
	Instance   string               `json:"instance,omitempty"` // the request's id
	Extension  string               `json:"extension,omitempty"`
	Version    string               `json:"version,omitempty"`
	Class      string               `json:"class,omitempty"`      // of a fault, classInterrupted, classBreaker or classBudget
	Cause      string               `json:"cause,omitempty"`      // of classBreaker: the class of the last fault
	RetryAfter int                  `json:"retryAfter,omitempty"` // seconds; the header's, for streams, which have none
	Budget     string               `json:"budget,omitempty"`     // of classBudget: which one is used up
	Missing    *missing             `json:"missing,omitempty"`
	Violations []fragment.Violation `json:"violations,omitempty"`

	allow   []string
	upgrade string // the protocol that is wanted
}

// missing is the permission that would be needed, and where.
type missing struct {
	Permission access.Permission `json:"permission"`
	Scope      string            `json:"scope"`

	lost bool // nobody can say: the index has lost the store
}

func (h *Host) fail(w http.ResponseWriter, r *http.Request, a *active, p problem) {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if a != nil {
		p.Extension, p.Version = a.Name, a.Version
	}
	p.Instance = h.requestID(r)
	head := w.Header()
	head.Set("Content-Type", "application/problem+json")
	head.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		head.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if len(p.allow) > 0 {
		head.Set("Allow", strings.Join(p.allow, ", "))
	}
	if p.upgrade != "" {
		head.Set("Upgrade", p.upgrade)
	}
	w.WriteHeader(p.Status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(p) // the client may be gone
}

func (h *Host) requestID(r *http.Request) string {
	if h.options.RequestID == nil {
		return ""
	}
	return h.options.RequestID(r)
}

// resets are the statuses of the wire's codes, with titles of our own.
var resets = map[wire.Code]problem{
	wire.Cancelled:   {Status: http.StatusServiceUnavailable, Title: "The extension gave the request up", RetryAfter: 1},
	wire.Denied:      {Status: http.StatusForbidden, Title: "The extension may not do this"},
	wire.NotFound:    {Status: http.StatusNotFound, Title: "The extension knows no such thing"},
	wire.Conflict:    {Status: http.StatusConflict, Title: "It was changed meanwhile"},
	wire.Invalid:     {Status: http.StatusBadRequest, Title: "The extension does not understand the request"},
	wire.TooLarge:    {Status: http.StatusRequestEntityTooLarge, Title: "The request is too large for the extension"},
	wire.RateLimited: {Status: http.StatusTooManyRequests, Title: "Too many requests to the extension", RetryAfter: 1},
	wire.Deadline:    {Status: http.StatusGatewayTimeout, Title: "The extension did not answer in time"},
	wire.Unavailable: {Status: http.StatusServiceUnavailable, Title: "What the extension needs does not answer", RetryAfter: 5},
	wire.Unsupported: {Status: http.StatusNotImplemented, Title: "The extension cannot do this"},
	wire.Internal:    {Status: http.StatusBadGateway, Title: "The extension failed"},
}

// Classes of requests that failed by another's fault.
const (
	classInterrupted = "interrupted" // the instance ended under the request
	classBreaker     = "breaker"     // too many faults before it
	classBudget      = "budget"      // a budget is used up
)

// problemOf is the problem of an error of sandbox.Guest.
func problemOf(err error) problem {
	var fault *sandbox.Fault
	var broken *sandbox.BrokenError
	var reset *sandbox.ResetError
	var budget *sandbox.BudgetError
	switch {
	case errors.As(err, &fault):
		p := problem{Status: http.StatusBadGateway, Title: "The extension failed", Class: string(fault.Class), Detail: "Its instance ended by its own fault. Others are not affected."}
		switch fault.Class {
		case sandbox.FaultTime:
			p.Status, p.Title = http.StatusGatewayTimeout, "The extension took too long"
		case sandbox.FaultCrash:
			p.Detail = "The sandbox's process ended again and again while it ran."
		}
		return p
	case errors.As(err, &broken):
		return problem{Status: http.StatusServiceUnavailable, Title: "The extension fails again and again", Class: classBreaker, Cause: string(broken.Class),
			Detail:     "It ended by its own fault again and again (" + string(broken.Class) + " at last) and is not asked for a while. Other workspaces are not affected.",
			RetryAfter: secondsTo(broken.Until)}
	case errors.Is(err, sandbox.ErrInterrupted):
		return problem{Status: http.StatusServiceUnavailable, Title: "The request was interrupted", Class: classInterrupted,
			Detail: "Its instance of the extension ended, by no fault of the request. Part of it may have been done.", RetryAfter: 1}
	case errors.As(err, &budget):
		return overBudget(budget)
	case errors.As(err, &reset):
		p, ok := resets[reset.Code]
		if !ok {
			p = resets[wire.Internal]
		}
		if text := quote(reset.Text); text != "" {
			p.Detail = "The extension says: " + text
		}
		return p
	case errors.Is(err, sandbox.ErrClosed):
		return problem{Status: http.StatusServiceUnavailable, Title: "The extension was removed or replaced", RetryAfter: 1}
	case errors.Is(err, sandbox.ErrModule):
		return problem{Status: http.StatusBadGateway, Title: "The extension's code cannot run here", Class: string(sandbox.FaultStart)}
	case errors.Is(err, context.DeadlineExceeded):
		return resets[wire.Deadline]
	default:
		return problem{Status: http.StatusBadGateway, Title: "The extension could not be asked"}
	}
}

// budgets are the problems of requests that are over one.
var budgets = map[sandbox.Budget]problem{
	sandbox.BudgetCPUPerMinute:  {Status: http.StatusTooManyRequests, Title: "The extension has computed for you as much as it may", Detail: "It answers again when the minute has passed. Others are not affected."},
	sandbox.BudgetCPUPerRequest: {Status: http.StatusGatewayTimeout, Title: "The extension took too long", Detail: "It computed for this request as long as it may."},
	sandbox.BudgetMemoryTotal:   {Status: http.StatusServiceUnavailable, Title: "The extension uses as much memory as it may"},
	sandbox.BudgetStreams:       {Status: http.StatusServiceUnavailable, Title: "The extension carries as many requests as it may"},
	sandbox.BudgetRequestSize:   {Status: http.StatusRequestEntityTooLarge, Title: "The request is too large for the extension"},
	sandbox.BudgetResponseSize:  {Status: http.StatusBadGateway, Title: "The extension answered more than it may"},
}

func overBudget(e *sandbox.BudgetError) problem {
	p := budgets[e.Budget]
	p.Class, p.Budget = classBudget, string(e.Budget)
	if !e.Until.IsZero() {
		p.RetryAfter = secondsTo(e.Until)
	}
	return p
}

// secondsTo is a time as whole seconds from now, at least one.
func secondsTo(t time.Time) int { return max(1, int(math.Ceil(time.Until(t).Seconds()))) }

// maxQuote bounds how much of a guest's words is repeated.
const maxQuote = 200

// quote makes a guest's words fit to repeat: one line, printable, short.
func quote(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	if len(text) > maxQuote {
		text = strings.ToValidUTF8(text[:maxQuote], "") + "..."
	}
	return strings.TrimSpace(text)
}

// failed is what is said of an extension whose package cannot be used.
func (a *active) failed() problem {
	return problem{Status: http.StatusServiceUnavailable, Title: "The extension is installed and cannot be used", Detail: "Its package cannot be read; an administrator finds why under Extensions.", RetryAfter: 30}
}
