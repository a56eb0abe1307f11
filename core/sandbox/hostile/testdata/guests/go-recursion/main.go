// Calls itself without end: a goroutine's stack grows in the guest's memory, and with each call the host's too.
// answer: fault stack
// with: cpu=10s
package main

import (
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

func down(n int) int { return 1 + down(n+1) + n }

func init() {
	atoll.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { down(0) }))
}
