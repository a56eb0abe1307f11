// Waits for a lock that it holds.
// answer: reset deadline
// with: deadline=300ms
package main

import (
	"net/http"
	"sync"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

func init() {
	var mu sync.Mutex
	atoll.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		mu.Lock()
	}))
}
