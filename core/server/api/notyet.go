// Placeholder.
package api

import "errors"

var errNotYet = errors.New("not yet")
