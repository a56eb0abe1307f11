// What one person reads of a cluster when a request names no project, and the
// resource versions of answers that span projects.

package kube

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

// maxProjects is how many projects one request may span.
const maxProjects = 500

// view is a person's projects in one cluster with the groups there, at one
// moment. Two views with the same mark show the same: a new project, a lost
// one and another role all change the mark.
type view struct {
	epoch    uint64 // of the live registry, before all else was read
	projects []access.Project
	groups   [][]string // of each project
	mark     string     // markDigits decimal digits
}

const markDigits = 20 // of the greatest uint64

func (p *Proxy) view(s access.Subject, cluster string) *view {
	v := &view{epoch: p.live.epoch.Load(), projects: p.index.Projects(s, cluster)} // in the order of names
	v.groups = make([][]string, len(v.projects))
	sum := sha256.New()
	for i, project := range v.projects {
		v.groups[i] = p.index.Groups(s, access.Scope{Cluster: cluster, Project: project.Name})
		fmt.Fprintf(sum, "%q %q %q\n", project.Name, project.UID, v.groups[i])
	}
	v.mark = fmt.Sprintf("%0*d", markDigits, binary.BigEndian.Uint64(sum.Sum(nil)))
	return v
}

// rights are those of the project at i.
func (v *view) rights(i int, cluster string) rights {
	return rights{epoch: v.epoch, scope: access.Scope{Cluster: cluster, Project: v.projects[i].Name}, groups: v.groups[i]}
}

// stamp makes the resource version of an answer: the cluster's own, and the
// mark of what the answer was made of. It is one number, since that is what
// clients compare, and the later of two has the greater one. A watch from a
// resource version with another mark would lack what the projects that came
// held before, and would not tell that others went.
func (v *view) stamp(version string) string {
	if !number(version) {
		return version
	}
	return version + v.mark
}

// unstamp takes a resource version apart; mark is "" for one of the cluster's
// own, such as an object has.
func unstamp(version string) (own, mark string) {
	if cut := len(version) - markDigits; cut > 0 && number(version) {
		return version[:cut], version[cut:]
	}
	return version, ""
}

// number tells whether a resource version can be compared with another.
func number(version string) bool {
	return version != "" && version[0] != '0' && strings.Trim(version, "0123456789") == ""
}

// cursor is where the next page of a list across projects begins. It gives no
// right: the project is looked up among those of whoever brings it.
type cursor struct {
	Version string `json:"v"`           // the cluster's own, of the first page
	Mark    string `json:"m"`           // of the view of the first page
	Project string `json:"p"`           // name of the project that comes next
	Next    string `json:"n,omitempty"` // the API server's own token in it
}

func (c *cursor) token() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseCursor reads a continue token of a list across projects.
func parseCursor(token string) (*cursor, *failure) {
	c := new(cursor)
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, c)
	}
	if err != nil || len(c.Mark) != markDigits || c.Project == "" {
		return nil, badRequest("the continue token is not one of a list across projects")
	}
	return c, nil
}

// expired tells clients to list anew: kubectl, Helm and informers all do.
func expired(why string) *failure {
	return &failure{code: http.StatusGone, reason: metav1.StatusReasonExpired, message: why + "; list again"}
}

const projectsChanged = "the projects that can be read, or the roles in them, have changed meanwhile"
