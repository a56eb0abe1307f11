// Whatever a host says, the guest does not hang, and does not panic but with its
// own text; what it says is whole frames, and what it took it gives back.
package atoll_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/internal/native"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// everything is a handler that does all that the SDK can, as the path says.
func everything(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if c, err := atoll.Upgrade(w, r); err == nil {
		if strings.HasPrefix(r.URL.Path, "/join") {
			if d, _, err := atoll.Dial(ctx, "websocket", "http://kubernetes/exec", nil); err == nil {
				_ = c.Join(d)
			}
			return
		}
		for {
			m, text, err := c.ReadMessage()
			if err != nil || c.WriteMessage(m, text) != nil {
				return
			}
		}
	}
	switch r.URL.Path {
	case "/send":
		if resp, err := atoll.Client.Do(ask(ctx, "POST", r.Body)); err == nil {
			defer resp.Body.Close()
			io.Copy(w, resp.Body)
		}
	case "/forward":
		if resp, err := atoll.Client.Do(ask(ctx, "GET", nil)); err == nil {
			defer resp.Body.Close()
			w.WriteHeader(resp.StatusCode)
			_ = atoll.Forward(w, resp)
		}
	case "/wait":
		<-ctx.Done()
	case "/panic":
		panic(http.ErrAbortHandler)
	case "/leave":
		if resp, err := atoll.Client.Do(ask(ctx, "GET", nil)); err == nil {
			resp.Body.Read(make([]byte, 1))
		}
	default:
		n, err := io.Copy(w, r.Body)
		w.Header().Set(http.TrailerPrefix+"X-Sum", fmt.Sprint(n, err))
	}
}

func FuzzGuestReceive(f *testing.F) {
	add := func(batches ...[]byte) {
		var in []byte
		for _, b := range batches {
			in = append(binary.LittleEndian.AppendUint16(in, uint16(len(b))), b...)
		}
		f.Add(in)
	}
	add(open(1, "POST", "/"), data(1, "body"), end(1))
	add(get(1, "/send"), head(2, 200), data(2, "x"), end(2, "A", "b"))
	add(get(1, "/forward"), head(2, 200), append(data(2, "x"), end(2)...), nil, reset(1, wire.Deadline))
	add(open(1, "POST", "/send"), data(1, "x"), append(stop(2), reset(1, wire.Cancelled)...), reset(2, wire.Cancelled))
	add(upgrade(1, "/echo"), flagged(wire.Data, wire.Message|wire.Text, 1, "x"), flagged(wire.Data, wire.Message, 1, ""), closing(1, 1000, "x"))
	add(upgrade(1, "/join"), head(2, 200), flagged(wire.Data, wire.Message, 2, "x"), closing(2, 1000, ""), end(1))
	add(get(1, "/wait"), unknown(1, wire.Critical), window(0, 100), frame(wire.Drain, 0, ""), stop(1), reset(1, 99))
	add(get(1, "/panic"), get(3, "/leave"), head(2, 500), data(2, "abc"), reset(2, 1))
	add(wire.AppendFrame(nil, wire.Open, 0, 1, wire.AppendField(nil, 999, wire.CriticalField, nil)))
	f.Fuzz(func(t *testing.T, in []byte) {
		synctest.Test(t, func(t *testing.T) {
			g := native.New(native.Options{Handler: http.HandlerFunc(everything), Settle: synctest.Wait})
			defer func() {
				v := recover()
				g.Close()
				synctest.Wait()
				if text, ok := v.(string); v != nil && (!ok || !strings.HasPrefix(text, native.Broken)) {
					panic(v)
				}
				if n := atoll.Outstanding(g); v == nil && n != 0 {
					t.Errorf("%d bytes of windows are never given back", n)
				}
			}()
			g.Poll(hello())
			for len(in) >= 2 {
				n := min(int(binary.LittleEndian.Uint16(in)), len(in)-2)
				for out := g.Poll(in[2 : 2+n]); len(out) > 0; {
					_, rest, err := wire.NextFrame(out)
					if err != nil {
						t.Fatalf("its own frames are broken: %v", err)
					}
					out = rest
				}
				in = in[2+n:]
			}
		})
	})
}
