// Recordings of extensions: what one instance was told and said, to find out
// elsewhere why, and what another build would do.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// recordingType is the media type of core/sandbox/recording's format.
const recordingType = "application/vnd.atoll.recording"

type recordInput struct {
	Name      string `path:"name" maxLength:"64" example:"hello"`
	Workspace string `query:"workspace" maxLength:"63" doc:"Whose instance it is. An instance that all share is everybody's."`
	User      string `query:"user" maxLength:"63" doc:"Of an extension that keeps users apart, and of requests without a workspace: whose."`
	Seconds   int    `query:"seconds" minimum:"1" maximum:"240" default:"30" doc:"How long is recorded at most."`
}

func (s *API) registerRecordings(a huma.API) {
	op := s.operation(a, about{id: "record-extension", method: http.MethodPost, path: "/api/v1/extensions/{name}/recordings", tag: "extensions",
		summary: "Record an instance of an extension", text: "The next instance that requests of the workspace or the user meet is recorded from its start on. The answer comes when the time is over, " +
			"the instance has ended, or the recording is as large as it may be. What is secret is cut out: bodies that clients send, settings, and what Kubernetes gives of Secrets and their like; other names stand for the users'.",
		errors: []int{http.StatusNotFound, http.StatusConflict}})
	op.Responses = map[string]*huma.Response{"200": {
		Description: "The recording.", Content: map[string]*huma.MediaType{recordingType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	huma.Register(a, op, func(ctx context.Context, in *recordInput) (*huma.StreamResponse, error) {
		rec, err := s.Extensions.Record(ctx, in.Name, in.Workspace, in.User, sandbox.RecordOptions{For: time.Duration(in.Seconds) * time.Second})
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", recordingType)
			c.SetHeader("Content-Disposition", `attachment; filename="`+rec.Extension+`.atollrec"`)
			c.SetHeader("Cache-Control", "no-store")
			c.SetStatus(http.StatusOK)
			_ = rec.Write(c.BodyWriter()) // who reads a recording sees whether it is whole
		}}, nil
	})
}
