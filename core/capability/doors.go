// All doors together, as the sandbox wants them.
package capability

import "github.com/atoll-platform/atoll/core/sandbox"

// Doors asks each in turn for the door of an authority; nil where none has it.
func Doors(find ...func(authority string) sandbox.Door) func(authority string) sandbox.Door {
	return func(authority string) sandbox.Door {
		for _, f := range find {
			if d := f(authority); d != nil {
				return d
			}
		}
		return nil
	}
}
