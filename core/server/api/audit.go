// The audit log: who did what, searched page by page, or streamed as lines of
// JSON.

package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// AuditEvent is one thing that somebody did or tried. It has the fields of
// audit.Event, in the same order.
type AuditEvent struct {
	Time      time.Time `json:"time" doc:"When it ended, or when a connection began."`
	RequestID string    `json:"requestID,omitempty" doc:"The server's log has it too. What an extension did for a request has the same." example:"c2f1b0a4d8e64a31"`

	User       string `json:"user,omitempty" doc:"Who; of a sign-in that failed, the name that was tried." example:"jane"`
	UserUID    string `json:"userUID,omitempty" doc:"Empty while nobody was signed in."`
	Via        string `json:"via,omitempty" doc:"By what kind of credential." example:"session"`
	Credential string `json:"credential,omitempty" doc:"The id of the session or token."`
	Remote     string `json:"remote,omitempty" doc:"From where." example:"192.0.2.7:51234"`

	Extension string `json:"extension,omitempty" doc:"Through which extension." example:"logging"`
	Version   string `json:"version,omitempty" doc:"Of the extension." example:"0.1.0"`

	Verb   string `json:"verb" doc:"create, update, patch, delete, deletecollection, connect, or the action after the colon of a path." example:"delete"`
	Target string `json:"target,omitempty" doc:"The path, without its query; what was made by it is the last segment." example:"/clusters/local/api/v1/namespaces/demo/pods/web-0"`

	Cluster      string `json:"cluster,omitempty" example:"local"`
	Workspace    string `json:"workspace,omitempty" doc:"As it was called then." example:"shop"`
	WorkspaceUID string `json:"workspaceUID,omitempty" doc:"Empty where there was none of that name."`
	Project      string `json:"project,omitempty" example:"demo"`
	ProjectUID   string `json:"projectUID,omitempty"`

	Result string `json:"result" doc:"done, denied (not allowed), refused (not valid, or in conflict) or failed." example:"done"`
	Status int    `json:"status,omitempty" doc:"Of HTTP." example:"200"`
	Reason string `json:"reason,omitempty" doc:"Why it was not done." example:"This needs the permission members.manage (workspaces/shop)."`

	DryRun  bool           `json:"dryRun,omitempty" doc:"It was tried only, and nothing is different."`
	Changes []audit.Change `json:"changes,omitempty" nullable:"false" doc:"What an update or patch of a Kubernetes object made different, 64 at most, absent where the object before could not be read; and how somebody's roles were changed, at /roles."`
	More    int            `json:"more,omitempty" doc:"Changes that are not among them."`
}

// AuditPage is one page of what a search has found.
type AuditPage struct {
	Items    []AuditEvent `json:"items" doc:"The newest first."`
	Continue string       `json:"continue,omitempty" doc:"Ask with it for what is further back; absent when there is no more. So much of the log is searched for one page: a page may be short or empty and have a continue."`
	Damaged  int          `json:"damaged,omitempty" doc:"Lines of the log that could not be read, of those that were looked at for this page: cut short by a crash."`
}

// AuditLine is one line of the stream.
type AuditLine struct {
	Type   string      `json:"type" enum:"EVENT,DAMAGED,MISSED" doc:"DAMAGED: some lines could not be read. MISSED: some events were removed by the bounds of the log before they were read."`
	Object *AuditEvent `json:"object,omitempty" doc:"Of EVENT."`
	Count  int         `json:"count,omitempty" doc:"Of DAMAGED."`
}

// AuditFilter says which events are meant.
type AuditFilter struct {
	ScopeQuery
	User      string `query:"user" maxLength:"256" doc:"Only what this user did." example:"jane"`
	Verb      string `query:"verb" maxLength:"64" example:"delete"`
	Result    string `query:"result" enum:"done,denied,refused,failed"`
	Extension string `query:"extension" maxLength:"64" doc:"Only what was done through this extension." example:"logging"`
	Since     string `query:"since" format:"date-time" doc:"Not before this time."`
}

type (
	auditListInput struct {
		AuditFilter
		Until    string `query:"until" format:"date-time" doc:"Before this time."`
		Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
		Continue string `query:"continue" maxLength:"64" doc:"Where the last page ended: its continue."`
	}
	auditStreamInput struct {
		AuditFilter
		Follow bool `query:"follow" doc:"Go on with what is done from now on; without since, with that only."`
	}
	auditListOutput struct{ Body AuditPage }
)

func (s *API) registerAudit(a huma.API) {
	const whose = "In a workspace or project, for who may see what is done there (activity.view); everywhere or in a cluster, for who may see the audit log (audit.view)."
	add(s, a, about{id: "list-audit-events", method: http.MethodGet, path: "/api/v1/audit", tag: "audit", summary: "Search for who did what", text: whose}, s.listAudit)

	op := s.operation(a, about{id: "stream-audit-events", method: http.MethodGet, path: "/api/v1/audit:stream", tag: "audit", summary: "Stream who did what, the oldest first",
		text: "Lines of JSON. " + whose, errors: []int{http.StatusServiceUnavailable}})
	op.Metadata[metaStream] = true
	schemas := a.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{"200": {
		Description: "OK", Content: map[string]*huma.MediaType{ndjson: {Schema: schemas.Schema(reflect.TypeFor[AuditLine](), true, "")}},
	}}
	huma.Register(a, op, func(ctx context.Context, in *auditStreamInput) (*huma.StreamResponse, error) {
		out, err := s.streamAudit(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}

// auditable is what is meant by a filter, if who asks may see it.
func (s *API) auditable(ctx context.Context, in *AuditFilter) (audit.Filter, func() error, error) {
	sc, err := in.scope()
	if err != nil {
		return audit.Filter{}, nil, err
	}
	needed := access.ActivityView
	if sc.Kind() == access.KindPlatform {
		needed = access.AuditView
	}
	allowed := func() error { _, err := s.may(ctx, needed, sc); return err }
	if err := allowed(); err != nil {
		return audit.Filter{}, nil, err
	}
	f := audit.Filter{User: in.User, Verb: in.Verb, Result: in.Result, Extension: in.Extension, Cluster: sc.Cluster}
	if f.Since, err = moment("since", in.Since); err != nil {
		return f, nil, err
	}
	// By uid: another workspace had the name before, perhaps. Where there is none
	// of the name any more, nobody but the platform's people gets here.
	if p, ok := s.Index.Project(sc.Cluster, sc.Project); sc.Project != "" && ok {
		f.ProjectUID = p.UID
	} else {
		f.Project = sc.Project
	}
	if w, ok := s.Index.Workspace(sc.Workspace); sc.Workspace != "" && ok {
		f.WorkspaceUID = w.UID
	} else {
		f.Workspace = sc.Workspace
	}
	return f, allowed, nil
}

// moment reads a time of the query; none where there is none.
func moment(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, badParameter(name, "expected a time such as 2006-01-02T15:04:05Z")
	}
	return t, nil
}

func badParameter(name, message string) *problem.Problem {
	return problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
		WithErrors(problem.Fault{Parameter: "query." + name, Message: message})
}

func (s *API) listAudit(ctx context.Context, in *auditListInput) (*auditListOutput, error) {
	f, _, err := s.auditable(ctx, &in.AuditFilter)
	if err != nil {
		return nil, err
	}
	if f.Until, err = moment("until", in.Until); err != nil {
		return nil, err
	}
	var before *audit.Position
	if in.Continue != "" {
		before = &audit.Position{}
		text, err := base64.RawURLEncoding.DecodeString(in.Continue)
		if _, scan := fmt.Sscanf(string(text), "%d/%d", &before.Segment, &before.Offset); err != nil || scan != nil || before.Offset < 0 {
			return nil, badParameter("continue", "this is not the continue of a page")
		}
	}
	found, err := s.Audit.Query(ctx, f, before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := AuditPage{Items: make([]AuditEvent, 0, len(found.Events)), Damaged: found.Damaged}
	for _, e := range found.Events {
		out.Items = append(out.Items, AuditEvent(e))
	}
	if found.Next != nil {
		out.Continue = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", found.Next.Segment, found.Next.Offset))
	}
	return &auditListOutput{Body: out}, nil
}

func (s *API) streamAudit(ctx context.Context, in *auditStreamInput) (*huma.StreamResponse, error) {
	f, allowed, err := s.auditable(ctx, &in.AuditFilter)
	if err != nil {
		return nil, err
	}
	var from audit.Position
	if in.Follow && in.Since == "" {
		if from, err = s.Audit.End(ctx); err != nil {
			return nil, err
		}
	}
	reader, err := s.Audit.Reader(f, from)
	if errors.Is(err, audit.ErrTooMany) {
		return nil, problem.New(http.StatusServiceUnavailable, "As many follow the audit log as may at once.").WithRetryAfter(10 * time.Second)
	}
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer reader.Close()
		c.SetHeader("Content-Type", ndjson)
		c.SetHeader("Cache-Control", "no-store")
		c.SetStatus(http.StatusOK)
		if in.Follow && flush(c.BodyWriter()) != nil { // the head too: whoever waits knows that they are heard
			return
		}
		ctx, end := context.WithCancel(ctx)
		defer end()
		go s.whileAllowed(ctx, allowed, end)
		out := json.NewEncoder(c.BodyWriter())
		out.SetEscapeHTML(false)
		_ = reader.Read(ctx, in.Follow, func(b audit.Batch) error {
			if err := allowed(); err != nil {
				return err
			}
			if b.Missed {
				if err := out.Encode(AuditLine{Type: "MISSED"}); err != nil {
					return err
				}
			}
			if b.Damaged > 0 {
				if err := out.Encode(AuditLine{Type: "DAMAGED", Count: b.Damaged}); err != nil {
					return err
				}
			}
			for _, e := range b.Events {
				e := AuditEvent(e)
				if err := out.Encode(AuditLine{Type: "EVENT", Object: &e}); err != nil {
					return err
				}
			}
			return flush(c.BodyWriter())
		}) // whoever has gone needs no answer, and whoever may not any more gets none
	}}, nil
}

// whileAllowed ends what goes on when the right to it is lost, or the server
// stops.
func (s *API) whileAllowed(ctx context.Context, allowed func() error, end func()) {
	changed := s.Index.Changed(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.Draining:
			end()
			return
		case _, ok := <-changed:
			if !ok || allowed() != nil {
				end()
				return
			}
		}
	}
}
