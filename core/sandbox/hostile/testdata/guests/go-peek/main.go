// Keeps everything that it is sent, on Go's heap, and looks for something in all of its memory: for the target, whose bytes are masked with 1 so that it does not find itself.
// answer: 200 0
// with: cpu=2s
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"unsafe"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

// pages is how large the memory is, in 64 KiB.
func pages() int32

var (
	requests []*http.Request
	callers  []atoll.Identity
	bodies   [][]byte
)

func init() {
	atoll.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, masked := 0, r.URL.Path[1:]
		switch masked {
		case "":
		case "!": // the SDK catches what a handler's own goroutine panics with
			go panic("it was asked to")
			select {}
		default:
			found = count(masked)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		requests, callers, bodies = append(requests, r), append(callers, atoll.Caller(r.Context())), append(bodies, body)
		fmt.Fprint(w, found)
	}))
}

func count(masked string) (found int) {
	const first = 4096 // below lies nothing, and Go lets nobody look
	memory := unsafe.Slice((*byte)(unsafe.Pointer(uintptr(first))), int(pages())<<16-first)
	for {
		at := bytes.IndexByte(memory, masked[0]^1)
		if at < 0 || len(memory)-at < len(masked) {
			return found
		}
		n := 1
		for n < len(masked) && memory[at+n] == masked[n]^1 {
			n++
		}
		if n == len(masked) {
			found++
		}
		memory = memory[at+1:]
	}
}
