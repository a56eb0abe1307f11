// Guest wait: a small guest that waits, for two calls at once or for a timer.
package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

func init() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /two", func(w http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		var sizes [2]int64
		for n := range sizes {
			wg.Go(func() {
				resp, err := atoll.Client.Get(r.Context(), "http://back.upstream/"+strconv.Itoa(n))
				if err != nil {
					return
				}
				defer resp.Body.Close()
				sizes[n], _ = io.Copy(io.Discard, resp.Body)
			})
		}
		wg.Wait()
		fmt.Fprint(w, sizes[0]+sizes[1])
	})
	mux.HandleFunc("GET /sleep/{ms}", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.PathValue("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
	})
	atoll.Serve(mux)
}
