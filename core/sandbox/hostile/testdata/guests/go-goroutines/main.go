// Starts goroutines without end, each of which starts more.
// answer: fault memory
// with: cpu=10s asks=1
package main

import (
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

func bomb() {
	for {
		go bomb()
	}
}

func init() {
	atoll.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { bomb() }))
}
