// Reset and stop codes: closed, so that every host and guest can act on them.
package wire

import "strconv"

// Code says why a stream was reset or stopped. The list is closed in ABI v1.
type Code uint16

const (
	Cancelled   Code = 1  // the other side lost interest
	Denied      Code = 2  // not permitted
	NotFound    Code = 3  // no such thing
	Conflict    Code = 4  // it changed meanwhile, or exists already
	Invalid     Code = 5  // the request cannot be understood
	TooLarge    Code = 6  // over a size limit
	RateLimited Code = 7  // too much, too often; later it may work
	Deadline    Code = 8  // time ran out
	Unavailable Code = 9  // what stands behind does not answer
	Unsupported Code = 10 // not known to this version, or never
	Internal    Code = 11 // the answering side failed
)

var codeNames = [...]string{
	Cancelled: "cancelled", Denied: "denied", NotFound: "not_found", Conflict: "conflict", Invalid: "invalid",
	TooLarge: "too_large", RateLimited: "rate_limited", Deadline: "deadline", Unavailable: "unavailable",
	Unsupported: "unsupported", Internal: "internal",
}

// Valid tells whether c is one of the codes above.
func (c Code) Valid() bool { return c >= Cancelled && c <= Internal }

// String is the code's name on the page of the specification.
func (c Code) String() string {
	if c.Valid() {
		return codeNames[c]
	}
	return "code " + strconv.Itoa(int(c))
}
