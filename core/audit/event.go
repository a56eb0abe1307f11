// One event, and what is cut from it before it is written.

package audit

import (
	"strings"
	"time"
	"unicode/utf8"
)

// How an action ended.
const (
	Done    = "done"    // it was made
	Denied  = "denied"  // the right to it was missing
	Refused = "refused" // it was not valid, or in conflict
	Failed  = "failed"  // it was tried and went wrong
)

// Event is one action that somebody took or tried.
type Event struct {
	Time      time.Time `json:"time"` // when it ended; now when zero
	RequestID string    `json:"requestID,omitempty"`

	User       string `json:"user,omitempty"`
	UserUID    string `json:"userUID,omitempty"`
	Via        string `json:"via,omitempty"`        // session, token
	Credential string `json:"credential,omitempty"` // id of the session or token, never the secret
	Remote     string `json:"remote,omitempty"`     // address of the client

	Extension string `json:"extension,omitempty"` // through which extension
	Version   string `json:"version,omitempty"`   // and which version of it

	Action string `json:"action"`           // what was done: "members.set", "delete"
	Target string `json:"target,omitempty"` // to what: a path; what follows a ? is cut

	Cluster   string `json:"cluster,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	Project   string `json:"project,omitempty"`

	Result string `json:"result"`           // Done, Denied, Refused, Failed
	Status int    `json:"status,omitempty"` // of HTTP
	Reason string `json:"reason,omitempty"` // the missing permission, the kind of failure
}

// maxField bounds every text of an event, in bytes.
const maxField = 1024

// fit bounds an event and cuts what may hold secrets.
func (e *Event) fit() {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC()
	e.Target, _, _ = strings.Cut(e.Target, "?")
	for _, s := range []*string{
		&e.RequestID, &e.User, &e.UserUID, &e.Via, &e.Credential, &e.Remote, &e.Extension, &e.Version,
		&e.Action, &e.Target, &e.Cluster, &e.Workspace, &e.Project, &e.Result, &e.Reason,
	} {
		if len(*s) > maxField {
			end := maxField
			for end > 0 && !utf8.RuneStart((*s)[end]) {
				end--
			}
			*s = (*s)[:end] + "..."
		}
	}
}
