// Keeps more and more.
// answer: fault memory
// with: cpu=10s
package main

import (
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

var all [][]byte

func init() {
	atoll.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		for {
			all = append(all, make([]byte, 1<<20))
		}
	}))
}
