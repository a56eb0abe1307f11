// The conformance guest as a module.
package main

import (
	atoll "github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/wire/kit/guest"
)

func init() { atoll.Serve(guest.Handler()) }

func main() {}
