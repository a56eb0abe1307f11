// Conditions: the steps that a project goes through, each with what it waits
// for.

package tenancy

import "time"

// The steps, in their order; StepRemoval is the one of a project that is being
// deleted.
const (
	StepNamespace = "Namespace"
	StepBindings  = "Bindings"
	StepLimits    = "Limits"
	StepIsolation = "Isolation"
	StepRemoval   = "Removal"
)

// What is known of a step, in Kubernetes' words.
const (
	StatusTrue    = "True"
	StatusFalse   = "False"
	StatusUnknown = "Unknown"
)

// maxMessage bounds what is kept of Kubernetes' own words, in bytes.
const maxMessage = 2048

// Condition is one step of a project.
type Condition struct {
	Type    string    `json:"type"`
	Status  string    `json:"status"`
	Message string    `json:"message,omitempty"` // why the status is not True
	Since   time.Time `json:"since"`             // when the status last became another
}

// since says of each condition since when its status holds.
func since(was, now []Condition, at time.Time) []Condition {
	for i := range now {
		now[i].Since = at
		for _, old := range was {
			if old.Type == now[i].Type && old.Status == now[i].Status {
				now[i].Since = old.Since
			}
		}
	}
	return now
}
