// Names that lead back into a cluster, and those that do not. That the cluster
// refuses them is among the ways out of integration_escape_test.go.

package tenancy

import (
	"regexp"
	"strings"
	"testing"
)

// Names of services that lead back into the cluster or to a node, where somebody
// follows them who may go there, such as an ingress controller. OTHER is another
// project.
var inward = []string{
	"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.", "kubernetes.default.svc.cluster.local", "kubernetes.default.svc.cluster.local.",
	"web.OTHER", "web.OTHER.svc", "web.OTHER.svc.cluster.local", "web.OTHER.svc.corp.example.org", "web-0.web.OTHER.svc.cluster.local", "10-0-0-7.OTHER.pod", "10-0-0-7.OTHER.pod.cluster.local",
	"localhost", "localhost.", "web.localhost", "localhost.localdomain", "127.0.0.1", "127.1", "10.0.0.1", "0", "2130706433", "0x7f000001", "0x7f.0.0.1", "169.254.169.254", "169.254.169.254.",
	"metadata", "metadata.google.internal", "metadata.google.internal.", "metadata.goog.", "instance-data.", "instance-data.ec2.internal", "instance-data.eu-west-1.compute.internal",
}

// outward are names that lead out, however they look.
var outward = []string{
	"db.example.org", "db.example.org.", "example.org.", "svc.example.org", "index.svc.example.io", "pod.example.org",
	"localhost.example.org", "1.example.org", "metadata.example.org", "my-svc.example.org", "cluster.local.example.org", "0x1.example.org",
}

func TestNamesThatLeadInAreTold(t *testing.T) {
	inside := regexp.MustCompile(insideNames) // RE2, as the cluster's
	for _, name := range inward {
		whole := strings.HasSuffix(name, ".")
		if short := strings.Count(name, ".") < 2; !inside.MatchString(strings.TrimSuffix(name, ".")) && (whole || !short) {
			t.Errorf("%s leads in", name)
		}
	}
	for _, name := range outward {
		if inside.MatchString(strings.TrimSuffix(name, ".")) {
			t.Errorf("%s leads out", name)
		}
	}
}
