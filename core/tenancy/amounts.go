// Amounts of what a cluster has: budgets of workspaces, and what projects have
// of them.

package tenancy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Amounts are quantities by resource, in the words of Kubernetes' ResourceQuota:
// "requests.cpu", "limits.memory", "pods", "count/deployments.apps".
type Amounts map[string]resource.Quantity

const (
	maxAmounts  = 64
	maxQuantity = 32 // bytes of one, as it is written
)

// quotaResources are those that a quota may bound, besides counts; true for
// those that have no fractions.
var quotaResources = map[string]bool{
	"requests.cpu": false, "limits.cpu": false, "requests.memory": false, "limits.memory": false,
	"requests.ephemeral-storage": false, "limits.ephemeral-storage": false, "requests.storage": false,
	"pods": true, "services": true, "services.nodeports": true, "services.loadbalancers": true,
	"configmaps": true, "secrets": true, "persistentvolumeclaims": true,
}

// containerResources are those of which a container may be given some by default.
var containerResources = map[string]bool{"cpu": false, "memory": false, "ephemeral-storage": false}

var countResource = regexp.MustCompile(`^count/[a-z][a-z0-9]{0,62}(\.[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$`)

// ParseAmounts reads the amounts of a quota or budget, as people write them.
// ErrInvalid says which is wrong and what would be right.
func ParseAmounts(written map[string]string) (Amounts, error) {
	return parseAmounts(written, quotaResources, true)
}

func parseAmounts(written map[string]string, known map[string]bool, counts bool) (Amounts, error) {
	if len(written) == 0 {
		return nil, nil
	}
	if len(written) > maxAmounts {
		return nil, fmt.Errorf("the amounts are %w: there are %d, %d are allowed", ErrInvalid, len(written), maxAmounts)
	}
	all := Amounts{}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		whole, ok := known[name]
		if !ok && counts && countResource.MatchString(name) {
			whole, ok = true, true
		}
		if !ok {
			also := ""
			if counts {
				also = ", and count/<resource>.<group>"
			}
			return nil, fmt.Errorf("the resource %.80q is %w: there are %s%s", name, ErrInvalid, strings.Join(slices.Sorted(maps.Keys(known)), ", "), also)
		}
		text := written[name]
		q, err := resource.ParseQuantity(text)
		switch {
		case len(text) > maxQuantity || err != nil:
			return nil, fmt.Errorf("the amount %.40q of %s is %w: it is a number such as 2, 500m or 4Gi", text, name, ErrInvalid)
		case q.Sign() < 0:
			return nil, fmt.Errorf("the amount %s of %s is %w: it cannot be below 0", text, name, ErrInvalid)
		case whole && q.MilliValue()%1000 != 0:
			return nil, fmt.Errorf("the amount %s of %s is %w: it is counted, so it has no fractions", text, name, ErrInvalid)
		}
		_ = q.String() // what is compared and written is in its shortest form
		all[name] = q
	}
	return all, nil
}

// Written are the amounts as people read them.
func (a Amounts) Written() map[string]string {
	all := make(map[string]string, len(a))
	for name, q := range a {
		all[name] = q.String()
	}
	return all
}

// Equal tells whether two amounts are the same, however they are written.
func (a Amounts) Equal(b Amounts) bool {
	return maps.EqualFunc(a, b, func(x, y resource.Quantity) bool { return x.Cmp(y) == 0 })
}

// add adds what b has.
func (a Amounts) add(b Amounts) {
	for name, q := range b {
		sum := a[name].DeepCopy()
		sum.Add(q)
		a[name] = sum
	}
}

// toContent is the amounts as an object of Kubernetes has them.
func (a Amounts) toContent() map[string]any {
	all := make(map[string]any, len(a))
	for name, q := range a {
		all[name] = q.String()
	}
	return all
}
