// Panics where the SDK does not catch it: on a goroutine of its own.
// answer: fault trap
// log: panic: of the guest's own
package main

import (
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

func init() {
	atoll.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		go panic("of the guest's own")
		select {}
	}))
}
