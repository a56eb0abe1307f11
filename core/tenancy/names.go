// Names of workspaces and projects.

package tenancy

import (
	"fmt"
	"slices"
	"strings"
)

const (
	maxName  = 63
	maxTitle = 120
)

// checkName holds names to what Kubernetes takes as a label of DNS: a project's
// name is its namespace's.
func checkName(kind, name string) error {
	good := len(name) > 0 && len(name) <= maxName
	for i := range len(name) {
		b := name[i]
		inside := i > 0 && i < len(name)-1
		good = good && ('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' && inside)
	}
	if !good {
		return fmt.Errorf("the %s name %q is %w: 1 to %d of a-z, 0-9 and -, beginning and ending with a letter or digit", kind, name, ErrInvalid, maxName)
	}
	return nil
}

// checkProjectName refuses namespaces too that are Kubernetes' own, or may reach
// other tenants.
func (t *Service) checkProjectName(name string) error {
	if err := checkName("project", name); err != nil {
		return err
	}
	if name == "default" || strings.HasPrefix(name, "kube-") {
		return fmt.Errorf("the project name %q is %w: \"default\" and names that begin with \"kube-\" are Kubernetes' own", name, ErrInvalid)
	}
	if name == systemNamespace {
		return fmt.Errorf("the project name %q is %w: it is Atoll's own", name, ErrInvalid)
	}
	if slices.Contains(t.options.IngressNamespaces, name) {
		return fmt.Errorf("the project name %q is %w: it is an ingress controller's, which reaches the pods of isolated workspaces", name, ErrInvalid)
	}
	return nil
}

func checkTitle(title string) error {
	if len(title) > maxTitle {
		return fmt.Errorf("the title is %w: it has %d bytes, %d are allowed", ErrInvalid, len(title), maxTitle)
	}
	return nil
}
