// What outlives the rights of who makes it: a service account, a binding, a
// token. Each is noted, so that it can be found when its maker has gone.

package kube

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

// Kinds of what is noted.
const (
	MadeServiceAccount = "ServiceAccount"
	MadeRoleBinding    = "RoleBinding"
	MadeSecret         = "Secret" // one that holds a service account's token
	MadeToken          = "Token"  // one that was asked for; its object is the service account
)

// Made is one thing that a person has made.
type Made struct {
	Kind  string
	Name  string    // of the object
	UID   string    // Kubernetes' id of the object
	Until time.Time // when a token ends; zero for what stays
}

// Ledger notes what people make in projects that may outlive their rights.
type Ledger interface {
	// Begin is asked before such a write goes out; an error refuses it and is
	// told to the client. When the write is over, note is called once, with what
	// was made or nil. A nil note means that nothing is noted here.
	Begin(context.Context, access.Subject, access.Project) (note func(context.Context, *Made) error, err error)
}

// maxMade bounds an answer, in bytes; an API server takes objects of 3 MiB.
const maxMade = 4 << 20

// outlives tells whether this may make what is noted.
func (t *target) outlives() bool {
	if t.namespace == "" || t.verb != "create" && t.verb != "update" && t.verb != "patch" || tried(t.query) {
		return false
	}
	switch t.group + "/" + t.resource + "/" + t.subresource {
	case "/serviceaccounts/", "/secrets/", "rbac.authorization.k8s.io/rolebindings/":
		return true
	case "/serviceaccounts/token":
		return t.verb == "create"
	}
	return false
}

// tried tells whether an API server only tries what it is asked, and writes
// nothing: it takes no other value, and reads queries by the same library.
func tried(query string) bool {
	values, err := url.ParseQuery(query)
	all := values["dryRun"]
	return err == nil && len(all) > 0 && !slices.ContainsFunc(all, func(v string) bool { return v != metav1.DryRunAll })
}

// noted is inScope for what outlives its maker. The write is seen to its end
// even when its client hangs up or loses the right meanwhile: an API server may
// have done it already, and nobody would know whose it is.
func (p *Proxy) noted(ctx context.Context, in *incoming, c *Cluster, t *target) *http.Response {
	project, ok := p.index.Project(c.config.Name, t.namespace)
	if !ok {
		return p.inScope(ctx, in, c, t)
	}
	note, err := p.ledger.Begin(ctx, in.subject, project)
	if err != nil {
		return forbidden(in.subject, t, err.Error()).response()
	}
	if note == nil {
		return p.inScope(ctx, in, c, t)
	}
	ctx = context.WithoutCancel(ctx)
	in.whole = true
	in.header = in.header.Clone()
	in.header.Set("Accept", "application/json") // so that it can be read here
	in.header.Del("Accept-Encoding")
	res := p.inScope(ctx, in, c, t)
	made, err := readMade(t, res)
	if told := note(ctx, made); err == nil {
		err = told
	}
	if err != nil {
		res.Body.Close()
		p.logger.Error("what a person made could not be noted", "cluster", c.config.Name, "path", t.path, "user", in.subject.Name, "error", err)
		return (&failure{code: http.StatusInternalServerError, reason: metav1.StatusReasonInternalError,
			message: "this may have been done, but Atoll could not note that it is yours: look whether it is there"}).response()
	}
	return res
}

// readMade reads an answer as a whole, and from it what was made; nil where
// nothing was that gives rights.
func readMade(t *target, res *http.Response) (*Made, error) {
	changed := res.StatusCode == http.StatusOK && t.resource == "rolebindings" // perhaps whom it binds
	if res.StatusCode != http.StatusCreated && !changed {
		return nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxMade+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(text) > maxMade {
		return nil, fmt.Errorf("reading the answer: it has more than %d bytes", maxMade)
	}
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(text))
	var o struct {
		Metadata struct{ Name, UID string }
		Type     string
		Status   struct {
			Token               string
			ExpirationTimestamp time.Time
		}
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	m := &Made{Name: o.Metadata.Name, UID: o.Metadata.UID}
	switch {
	case t.resource == "rolebindings":
		m.Kind = MadeRoleBinding
	case t.resource == "secrets":
		if m.Kind = MadeSecret; o.Type != "kubernetes.io/service-account-token" {
			return nil, nil
		}
	case t.subresource == "token":
		m.Kind, m.Name, m.Until = MadeToken, t.name, o.Status.ExpirationTimestamp
		if m.UID, err = tokenOwner(o.Status.Token); err != nil {
			return nil, err
		}
	default:
		m.Kind = MadeServiceAccount
	}
	if m.Name == "" || m.UID == "" {
		return nil, fmt.Errorf("reading the answer: it names no object")
	}
	return m, nil
}

// tokenOwner reads the id of the service account that a token is for. Kubernetes
// made the token just now: nothing has to be proved.
func tokenOwner(token string) (uid string, err error) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		Kubernetes struct {
			ServiceAccount struct{ UID string }
		} `json:"kubernetes.io"`
	}
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		return "", fmt.Errorf("reading the token's claims: %w", err)
	}
	return claims.Kubernetes.ServiceAccount.UID, nil
}
