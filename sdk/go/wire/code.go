// Reset and stop codes: closed, so that every host and guest can act on them.
package wire

import "strconv"

// Code says why a stream was reset or stopped. The list is closed in ABI v1.
type Code uint16

// Valid tells whether c is one of the codes above.
func (c Code) Valid() bool { return c >= Cancelled && c <= Internal }

// String is the code's name on the page of the specification.
func (c Code) String() string {
	if c.Valid() {
		return codeNames[c]
	}
	return "code " + strconv.Itoa(int(c))
}
