// Changes: what a write made different, with bounds, and with what is secret
// left out.

package audit

// Change is one difference that an event made. From and To are JSON; both empty
// with Hidden, where only it is told that there is a difference.
type Change struct {
	Path   string `json:"path" doc:"JSON Pointer; an item of a list goes by its name where it has one." example:"/spec/template/spec/containers/web/image"`
	From   string `json:"from,omitempty" doc:"JSON; left out where there was nothing." example:"\"nginx:1.27\""`
	To     string `json:"to,omitempty" doc:"JSON; left out where there is nothing any more." example:"\"nginx:1.28\""`
	Hidden bool   `json:"hidden,omitempty" doc:"The values may be secret, and are told nowhere."`
}

// Bounds of the changes of one event.
const (
	MaxChanges = 64
	maxPath    = 512 // bytes
	maxValue   = 256 // bytes
)

// fit bounds a change.
func (c *Change) fit() {
	c.Path = fitted(c.Path, maxPath)
	if c.Hidden {
		c.From, c.To = "", ""
	}
	c.From, c.To = fitted(c.From, maxValue), fitted(c.To, maxValue)
}
