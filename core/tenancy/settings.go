// What the platform says about a workspace: its budget, where it may be, and how
// far its projects reach.

package tenancy

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
)

// Pod Security levels that a workspace's projects may be held to. Nothing
// weaker: a privileged pod is a way out of its project.
const (
	PodSecurityBaseline   = "baseline"
	PodSecurityRestricted = "restricted"
)

// Service types that a workspace must be allowed: they open ports of nodes, or
// cost an address.
const (
	ServiceNodePort     = "NodePort"
	ServiceLoadBalancer = "LoadBalancer"
)

const (
	maxClusters = 64
	maxHosts    = 32 // of one workspace
	maxHost     = 253
)

// Workspace is what is kept of a workspace.
type Workspace struct {
	access.Workspace
	Settings
}

// Settings are what is said about a workspace besides its name and title. The
// zero value is the strictest, but for the budget, the clusters and the hosts,
// which bound nothing then.
type Settings struct {
	// Budget is what all projects together may have; what it does not name has
	// no bound.
	Budget Amounts `json:"budget,omitempty"`
	// Clusters are those that it may have projects in; none: every one.
	Clusters []string `json:"clusters,omitempty"`
	// PodSecurity is the level its projects are held to; "" is baseline.
	PodSecurity string `json:"podSecurity,omitempty"`
	// Isolated: its projects' pods talk to each other, and with nobody else but
	// the cluster's DNS and ingress controllers.
	Isolated bool `json:"isolated,omitempty"`
	// ServiceTypes are those allowed besides ClusterIP and ExternalName.
	ServiceTypes []string `json:"serviceTypes,omitempty"`
	// Hosts are the DNS names that are its own, each with all that ends in it:
	// its routes have no others, and nobody else's have these.
	Hosts []string `json:"hosts,omitempty"`
}

// podSecurity is the level, said or not.
func (s Settings) podSecurity() string {
	if s.PodSecurity == "" {
		return PodSecurityBaseline
	}
	return s.PodSecurity
}

// same tells whether nothing has changed that Kubernetes must know.
func (s Settings) same(o Settings) bool {
	return s.Budget.Equal(o.Budget) && s.podSecurity() == o.podSecurity() && s.Isolated == o.Isolated &&
		reflect.DeepEqual(s.ServiceTypes, o.ServiceTypes) && reflect.DeepEqual(s.Hosts, o.Hosts)
}

var hostName = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// check holds settings to what can be, and puts lists in order. The budget was
// checked when it was read.
func (s *Settings) check(clusters func(string) bool) error {
	if p := s.PodSecurity; p != "" && p != PodSecurityBaseline && p != PodSecurityRestricted {
		return fmt.Errorf("the Pod Security level %.40q is %w: %s or %s", p, ErrInvalid, PodSecurityBaseline, PodSecurityRestricted)
	}
	s.Clusters, s.ServiceTypes, s.Hosts = ordered(s.Clusters), ordered(s.ServiceTypes), ordered(s.Hosts)
	if len(s.Clusters) > maxClusters {
		return fmt.Errorf("the clusters are %w: there are %d, %d are allowed", ErrInvalid, len(s.Clusters), maxClusters)
	}
	for _, name := range s.Clusters {
		if !clusters(name) {
			return fmt.Errorf("the cluster %.63q is %w", name, ErrNotFound)
		}
	}
	for _, kind := range s.ServiceTypes {
		if kind != ServiceNodePort && kind != ServiceLoadBalancer {
			return fmt.Errorf("the service type %.40q is %w: %s or %s; the others are allowed anyway", kind, ErrInvalid, ServiceNodePort, ServiceLoadBalancer)
		}
	}
	if len(s.Hosts) > maxHosts {
		return fmt.Errorf("the hosts are %w: there are %d, %d are allowed", ErrInvalid, len(s.Hosts), maxHosts)
	}
	for i, host := range s.Hosts {
		if len(host) > maxHost || !hostName.MatchString(host) {
			return fmt.Errorf("the host %.80q is %w: a DNS name such as shop.example.org, which stands for all that ends in it too", host, ErrInvalid)
		}
		for _, other := range s.Hosts[:i] {
			if within(host, other) || within(other, host) {
				return fmt.Errorf("the hosts are %w: %s and %s cover each other", ErrInvalid, other, host)
			}
		}
	}
	return nil
}

// ordered is a list without order or repetitions as it is kept; nil when empty.
func ordered(all []string) []string {
	if len(all) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// within tells whether a host is another or ends in it.
func within(host, other string) bool { return host == other || strings.HasSuffix(host, "."+other) }
