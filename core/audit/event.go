// One event, and what is cut from it before it is written.

package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// How an action ended.
const (
	Done    = "done"    // it was made
	Denied  = "denied"  // the right to it was missing
	Refused = "refused" // it was not valid, or in conflict
	Failed  = "failed"  // it was tried and went wrong
)

// Event is one action that somebody took or tried. Names say what things were
// called then; uids say which they were, and are "" for what was not there.
type Event struct {
	Time      time.Time `json:"time"` // when it ended, or when a connection began; now when zero
	RequestID string    `json:"requestID,omitempty"`

	User       string `json:"user,omitempty"` // who failed to sign in: the name that was tried
	UserUID    string `json:"userUID,omitempty"`
	Via        string `json:"via,omitempty"`        // session, token
	Credential string `json:"credential,omitempty"` // id of the session or token, never the secret
	Remote     string `json:"remote,omitempty"`     // address of the client

	Extension string `json:"extension,omitempty"` // through which extension
	Version   string `json:"version,omitempty"`   // and which version of it

	Verb   string `json:"verb"`             // what was done: "create", "delete", "restart"
	Target string `json:"target,omitempty"` // to what: a path; what follows a ? is cut

	Cluster      string `json:"cluster,omitempty"`
	Workspace    string `json:"workspace,omitempty"`
	WorkspaceUID string `json:"workspaceUID,omitempty"`
	Project      string `json:"project,omitempty"`
	ProjectUID   string `json:"projectUID,omitempty"`

	Result string `json:"result"`           // Done, Denied, Refused, Failed
	Status int    `json:"status,omitempty"` // of HTTP
	Reason string `json:"reason,omitempty"` // the missing permission, the kind of failure

	DryRun  bool     `json:"dryRun,omitempty"`  // it was tried only, and nothing is different
	Changes []Change `json:"changes,omitempty"` // MaxChanges at most
	More    int      `json:"more,omitempty"`    // changes that are not among them
}

// ResultOf is how a request ended that got this status of HTTP.
func ResultOf(status int) string {
	switch {
	case status == 401 || status == 403:
		return Denied
	case status >= 500:
		return Failed
	case status >= 400:
		return Refused
	}
	return Done
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
		&e.RequestID, &e.User, &e.UserUID, &e.Via, &e.Credential, &e.Remote, &e.Extension, &e.Version, &e.Verb, &e.Target,
		&e.Cluster, &e.Workspace, &e.WorkspaceUID, &e.Project, &e.ProjectUID, &e.Result, &e.Reason,
	} {
		*s = fitted(*s, maxField)
	}
	if n := len(e.Changes); n > MaxChanges {
		e.More += n - MaxChanges
		e.Changes = e.Changes[:MaxChanges]
	}
	e.Changes = slices.Clone(e.Changes)
	for i := range e.Changes {
		e.Changes[i].fit()
	}
}

// fitted is a text as it is written.
func fitted(s string, most int) string { return bounded(printable(bounded(s, most)), most) }

// printable has every character that is not to be seen written out, \u000a for
// the end of a line: whatever shows an event later, nobody's words begin a line of
// their own, move a terminal's cursor or turn what follows around.
func printable(s string) string {
	seen := func(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }
	if strings.IndexFunc(s, func(r rune) bool { return !seen(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if seen(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// bounded cuts a text at the end of a character, and says so.
func bounded(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}
