// The review: what an extension asks for, in plain words, before anybody agrees.
package extension

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/sandbox"
	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// Kinds of what an extension asks for.
const (
	AskKubernetes = "kubernetes" // reach Kubernetes as the person who asks
	AskUpstream   = "upstream"   // ask a back end that an administrator binds
	AskRoute      = "route"      // serve a path
	AskRole       = "role"       // join a permission item to a role
	AskConsole    = "console"    // appear in the console
	AskIsolation  = "isolation"  // share memory between tenants
	AskLimit      = "limit"      // use memory and time
)

// Ask is one thing that an extension asks for. All of it is part of the consent.
type Ask struct {
	Kind      string `json:"kind"`
	Text      string `json:"text"`             // plain words
	Reason    string `json:"reason,omitempty"` // the author's
	Dangerous bool   `json:"dangerous,omitempty"`
	Rule      string `json:"rule,omitempty"` // the rule itself, for those who know it
}

// Review is what a person reads before an installation.
type Review struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Publisher   string `json:"publisher"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Digest      string `json:"digest"`
	Size        int    `json:"size"` // bytes of the package
	Asks        []Ask  `json:"asks"`
	// Consent is what an installation must bring: it stands for this package and
	// all that it asks for.
	Consent string `json:"consent"`
	// Installed is the version that is there already, empty if none.
	Installed string `json:"installed,omitempty"`
}

// review is the review of a package of whose wishes these limits are left.
func review(p *Package, held sandbox.Limits) Review {
	m := p.Manifest
	r := Review{
		Name: m.Name, Version: m.Version, Publisher: m.Publisher, Title: m.Title["en"], Description: m.Description["en"],
		Digest: p.Digest, Size: len(p.Bytes), Asks: asks(p, held),
	}
	// Of each ask the rule counts and not the words, which may get better.
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", r.Digest)
	for _, a := range r.Asks {
		fmt.Fprintf(sum, "%q %q %v\n", a.Kind, a.Rule, a.Dangerous)
	}
	r.Consent = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return r
}

func asks(p *Package, held sandbox.Limits) []Ask {
	m, all := p.Manifest, []Ask{}
	for _, r := range m.Permissions.Kubernetes {
		all = append(all, kubernetesAsk(r))
	}
	all = append(all, upstreamAsks(m)...)
	for _, r := range m.Routes {
		scope, _ := r.scope()
		does := "Answer " + strings.Join(r.Methods, ", ")
		if r.WebSocket {
			does = "Speak WebSocket at"
		}
		text := fmt.Sprintf("%s /x/%s%s to people who have %s/%s in that %s", does, m.Name, r.Path, m.Name, r.Permission, scope)
		if r.Permission == "" {
			who := fmt.Sprintf("may see that %s", scope)
			if scope == scopePlatform {
				who = "is signed in"
			}
			text = fmt.Sprintf("%s /x/%s%s to everybody who %s", does, m.Name, r.Path, who)
		}
		rule := strings.Join(r.Methods, ",") + " " + r.Path
		if r.WebSocket {
			rule += " websocket"
		}
		all = append(all, Ask{Kind: AskRoute, Text: text, Rule: rule})
	}
	for _, r := range m.Roles {
		text := fmt.Sprintf("Add the permission %q (%s/%s), which no role has until an administrator gives it", r.Title["en"], m.Name, r.ID)
		if len(r.Default) > 0 {
			text = fmt.Sprintf("Add the permission %q (%s/%s) and give it to %s, and to the stronger roles of a %s", r.Title["en"], m.Name, r.ID, strings.Join(r.Default, ", "), r.Scope)
		}
		all = append(all, Ask{Kind: AskRole, Text: text, Rule: m.Name + "/" + r.ID + " -> " + strings.Join(r.Default, ",")})
	}
	for _, c := range p.Contributions {
		all = append(all, Ask{Kind: AskConsole, Text: consoleText(p, c), Rule: string(c.Slot) + " " + c.ID})
	}
	switch m.Isolated() {
	case "shared":
		all = append(all, Ask{Kind: AskIsolation, Dangerous: true, Text: "Share one instance, and so its memory, among all workspaces", Rule: "shared"})
	default:
		all = append(all, Ask{Kind: AskIsolation, Text: fmt.Sprintf("Share memory within one %s and never beyond", m.Isolated()), Rule: m.Isolated()})
	}
	all = append(all, limitAsk(m, held))
	return all
}

func kubernetesAsk(r KubernetesRule) Ask {
	reads := !slices.ContainsFunc(r.Verbs, func(v string) bool { return v != "get" && v != "list" && v != "watch" })
	dangerous := slices.ContainsFunc(r.Resources, func(resource string) bool {
		return slices.ContainsFunc(r.Groups, func(g string) bool { return capability.Dangerous(g, resource) })
	})
	what := strings.Join(r.Resources, ", ")
	if slices.Contains(r.Resources, "*") {
		what = "every kind that is not dangerous"
	}
	if groups := slices.DeleteFunc(slices.Clone(r.Groups), func(g string) bool { return g == "" || g == "*" }); len(groups) > 0 {
		what += " of " + strings.Join(groups, ", ")
	}
	if slices.Contains(r.Groups, "*") {
		what += " of every API group"
	}
	if len(r.Names) > 0 {
		what += " named " + strings.Join(r.Names, ", ")
	}
	text := "Read " + what + ", where the person who asks may"
	if !reads {
		text = fmt.Sprintf("Change %s (%s), where the person who asks may", what, strings.Join(r.Verbs, ", "))
	}
	rule, err := json.Marshal(r.Rule)
	if err != nil {
		panic("a rule is texts: " + err.Error())
	}
	return Ask{Kind: AskKubernetes, Text: text, Reason: r.Reason["en"], Dangerous: dangerous, Rule: string(rule)}
}

// upstreamAsks is one ask for each request. What the host holds to nobody's data
// is dangerous: whoever may use the extension gets what all have stored there.
func upstreamAsks(m *Manifest) (all []Ask) {
	templates := m.templates()
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		up := m.Permissions.Upstreams[name]
		for _, t := range templates[name] {
			var held []string
			for _, scope := range []string{"workspace", "project", "user"} {
				if t.Names(scope) {
					held = append(held, scope)
				}
			}
			text := fmt.Sprintf("Ask %s of the back end that an administrator binds to %q, held to the %s of the request", t, name, strings.Join(held, ", "))
			if len(held) == 0 {
				text = fmt.Sprintf("Ask %s of the back end that an administrator binds to %q, for whatever all workspaces have there", t, name)
			}
			all = append(all, Ask{Kind: AskUpstream, Text: text, Reason: up.Reason["en"], Dangerous: len(held) == 0, Rule: name + " " + up.Protocol + " " + t.String()})
		}
	}
	return all
}

func consoleText(p *Package, c catalogue.Contribution) string {
	label := p.words("en", c.Label)
	switch c.Slot {
	case catalogue.SlotPage:
		return fmt.Sprintf("Show a page at %s in each %s", c.Route, c.Match.Scope)
	case catalogue.SlotResourceTab:
		return fmt.Sprintf("Show a tab %q on %s", label, c.Match.GVR)
	default:
		return fmt.Sprintf("Show a menu entry %q in the navigation of the %s", label, strings.TrimPrefix(string(c.Slot), "nav."))
	}
}
