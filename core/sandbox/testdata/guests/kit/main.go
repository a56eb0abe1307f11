// Guest kit: well-behaved handlers through the SDK, one route for each thing
// that the tests look at.
package main

import (
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	oldrand "math/rand"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
)

func main() {}

var counter int

// build is changed in the compiled module to make another build.
const build = "kit-build:1;"

var (
	words    = map[string]int{}
	hashSeed = maphash.MakeSeed()
)

func init() {
	for n := range 100 {
		words[fmt.Sprint("word", n)] = n
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /json/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"hello": r.PathValue("name"), "user": atoll.Caller(r.Context()).User})
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Length", strconv.FormatInt(r.ContentLength, 10))
		w.Header().Set("Trailer", "X-Sum")
		n, err := io.Copy(w, r.Body)
		w.Header().Set("X-Sum", fmt.Sprint(n, err))
	})
	mux.HandleFunc("GET /caller", func(w http.ResponseWriter, r *http.Request) {
		_, deadline := r.Context().Deadline()
		json.NewEncoder(w).Encode(map[string]any{
			"caller": atoll.Caller(r.Context()), "authority": atoll.Authority(r.Context()), "deadline": deadline,
			"args": len(os.Args), "env": len(os.Environ()),
		})
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) { counter++; fmt.Fprint(w, counter) })
	// Streams until nobody wants more.
	mux.HandleFunc("GET /forever", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(w, "line %d %s\n", i, strings.Repeat("x", 100)); err != nil {
				return
			}
		}
	})
	// Follows a door's answer, as a log is followed.
	mux.HandleFunc("GET /follow", func(w http.ResponseWriter, r *http.Request) {
		resp, err := atoll.Client.Get(r.Context(), "http://kubernetes/log?"+r.URL.RawQuery)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	})
	mux.HandleFunc("GET /two", func(w http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		var got [2]string
		for i := range 2 {
			wg.Go(func() {
				resp, err := atoll.Client.Get(r.Context(), fmt.Sprintf("http://kubernetes/part/%d", i))
				if err != nil {
					got[i] = err.Error()
					return
				}
				defer resp.Body.Close()
				b, _ := io.ReadAll(resp.Body)
				got[i] = string(b)
			})
		}
		wg.Wait()
		fmt.Fprint(w, got[0], " ", got[1])
	})
	mux.HandleFunc("POST /send", func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), "POST", "http://kubernetes/sink", r.Body)
		resp, err := atoll.Transport.RoundTrip(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	})
	mux.HandleFunc("GET /ask/{authority}", func(w http.ResponseWriter, r *http.Request) {
		resp, err := atoll.Client.Get(r.Context(), "http://"+r.PathValue("authority")+"/x")
		if err != nil {
			var reset *atoll.ResetError
			if errors.As(err, &reset) {
				fmt.Fprint(w, "reset ", reset.Code)
				return
			}
			fmt.Fprint(w, err)
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		fmt.Fprint(w, resp.StatusCode, " ", string(b), " ", err)
	})
	mux.HandleFunc("GET /orphan", func(w http.ResponseWriter, r *http.Request) {
		_, err := atoll.Client.Get(context.Background(), "http://kubernetes/x")
		fmt.Fprint(w, errors.Is(err, atoll.ErrNoParent))
	})
	mux.HandleFunc("GET /sleep/{ms}", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.PathValue("ms"))
		began := time.Now()
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			fmt.Fprint(w, time.Since(began).Milliseconds())
		case <-r.Context().Done():
			atoll.Log.InfoContext(r.Context(), "woken early", "cause", r.Context().Err())
		}
	})
	// Reads nothing of what it is sent.
	mux.HandleFunc("POST /hold", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, r *http.Request) {
		a := time.Now()
		for range 100000 {
			counter++
		}
		fmt.Fprint(w, time.Now().Sub(a))
	})
	// What a Go guest draws, by where it comes from.
	mux.HandleFunc("GET /random", func(w http.ResponseWriter, r *http.Request) {
		var secret [16]byte
		crand.Read(secret[:])
		drawn := map[string]any{
			"crypto/rand": fmt.Sprintf("%x", secret), "atoll.Rand": atoll.Rand().Uint64(),
			"math/rand/v2": rand.Uint64(), "math/rand": oldrand.Uint64(), "maphash": maphash.String(maphash.MakeSeed(), ""),
		}
		made := map[int]bool{}
		for n := range 100 {
			made[n] = true
		}
		drawn["a new map's order"] = fmt.Sprint(slices.Collect(maps.Keys(made)))
		json.NewEncoder(w).Encode(drawn)
	})
	// What depends on the seed of the module's beginning: the order of a map, and where things are in it.
	mux.HandleFunc("GET /map", func(w http.ResponseWriter, r *http.Request) {
		for name := range words {
			fmt.Fprint(w, name, " ")
		}
		fmt.Fprintf(w, "%x", maphash.String(hashSeed, r.URL.RawQuery))
	})
	mux.HandleFunc("GET /build", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, build) })
	mux.HandleFunc("GET /panic", func(w http.ResponseWriter, r *http.Request) { panic("on purpose") })
	mux.HandleFunc("GET /log", func(w http.ResponseWriter, r *http.Request) {
		atoll.Log.WarnContext(r.Context(), "from the guest", "n", 1)
		fmt.Fprintln(os.Stderr, "to stderr")
	})
	mux.HandleFunc("POST /ignore", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
	mux.HandleFunc("GET /die", func(w http.ResponseWriter, r *http.Request) { os.Exit(3) })
	mux.HandleFunc("GET /loop", func(w http.ResponseWriter, r *http.Request) {
		for {
			counter++
		}
	})
	mux.HandleFunc("GET /eat", func(w http.ResponseWriter, r *http.Request) {
		var all [][]byte
		for {
			b := make([]byte, 1<<20)
			all = append(all, b)
		}
	})
	mux.HandleFunc("GET /setting/{name}", func(w http.ResponseWriter, r *http.Request) {
		v, ok := atoll.Setting(r.PathValue("name"))
		fmt.Fprint(w, v, ok)
	})
	atoll.Serve(mux)
	atoll.HandleFrames("POST", "/frame", func(c *atoll.Call) { c.Respond(200, c.Body()) })
	atoll.HandleFrames("GET", "/big", func(c *atoll.Call) { c.Respond(200, make([]byte, 300<<10)) })
}
