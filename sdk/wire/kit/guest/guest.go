// Package guest is the conformance guest in Go: the routes of ../README.md,
// which every SDK's conformance guest has. ./module is it as a module.
package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	atoll "github.com/atoll-platform/atoll/sdk/go"
)

func init() {
	for _, method := range []string{"GET", "POST"} {
		atoll.HandleFrames(method, "/fixed", func(c *atoll.Call) {
			c.Respond(http.StatusOK, strconv.AppendInt(nil, int64(len(c.Body())), 10))
		})
	}
}

// Handler answers the routes.
func Handler() http.Handler {
	mux := http.NewServeMux()
	for path, h := range map[string]http.HandlerFunc{
		"/echo": echo, "/bytes": bytesOf, "/count": count, "/trailers": count, "/ask": ask, "/relay": relay,
		"/splice": splice, "/uplink": uplink, "/early": early, "/hang": hang, "/linger": linger, "/wait": wait,
		"/abort": abort, "/upload": upload, "/leave": leave, "/upgrade": upgrade, "/join": join, "/log": log,
		"/settings": settings, "/random": random, "/timer": timer, "/late": late, "/caller": caller, "/header": header,
	} {
		mux.HandleFunc(path, h)
	}
	return mux
}

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

// head says the head before anything is waited for.
func head(w http.ResponseWriter) { w.(http.Flusher).Flush() }

func echo(w http.ResponseWriter, r *http.Request) {
	head(w)
	_, _ = io.Copy(w, r.Body)
}

// pattern reads n bytes whose byte i is i modulo 251.
type pattern struct{ at, n int }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.n {
		return 0, io.EOF
	}
	b = b[:min(len(b), p.n-p.at)]
	for i := range b {
		b[i] = byte((p.at + i) % 251)
	}
	p.at += len(b)
	return len(b), nil
}

func bytesOf(w http.ResponseWriter, r *http.Request) {
	head(w)
	_, _ = io.Copy(w, &pattern{n: number(r, "n")})
}

// count answers how long the body was, with the request's trailers.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	for name, values := range r.Trailer {
		w.Header()[http.TrailerPrefix+name] = values
	}
	fmt.Fprint(w, n)
}

// request makes a request to the authority and target that the query names.
func request(r *http.Request, method string, body io.Reader) *http.Request {
	q := r.URL.Query()
	target := q.Get("target")
	if target == "" {
		target = "/"
	}
	out, err := http.NewRequestWithContext(r.Context(), method, "http://"+q.Get("authority")+target, body)
	if err != nil {
		panic(err)
	}
	return out
}

func ask(w http.ResponseWriter, r *http.Request) {
	lines := make([]string, number(r, "n"))
	var all sync.WaitGroup
	for n := range lines {
		all.Go(func() {
			req, err := http.NewRequestWithContext(r.Context(), "GET", fmt.Sprintf("http://%s/%d", r.URL.Query().Get("authority"), n), nil)
			if err != nil {
				panic(err)
			}
			lines[n] = fmt.Sprintf("%d %s\n", n, answer(req))
		})
	}
	all.Wait()
	for _, line := range lines {
		_, _ = io.WriteString(w, line)
	}
}

// answer is what came of a request, in a line.
func answer(r *http.Request) string {
	resp, err := atoll.Transport.RoundTrip(r)
	if err != nil {
		return failure(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return failure(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

func failure(err error) string {
	var reset *atoll.ResetError
	if errors.As(err, &reset) {
		return reset.Code.String()
	}
	return err.Error()
}

// send answers with another answer's head and body.
func send(w http.ResponseWriter, resp *http.Response, err error, body func(http.ResponseWriter, *http.Response) error) {
	if err != nil {
		http.Error(w, failure(err), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	if err := body(w, resp); err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Trailer {
		w.Header()[http.TrailerPrefix+name] = values
	}
}

func relay(w http.ResponseWriter, r *http.Request) {
	resp, err := atoll.Transport.RoundTrip(request(r, "GET", nil))
	send(w, resp, err, func(w http.ResponseWriter, resp *http.Response) error {
		_, err := io.Copy(w, struct{ io.Reader }{resp.Body})
		return err
	})
}

func splice(w http.ResponseWriter, r *http.Request) {
	resp, err := atoll.Transport.RoundTrip(request(r, "GET", nil))
	send(w, resp, err, func(w http.ResponseWriter, resp *http.Response) error {
		if _, err := io.Copy(w, &pattern{n: number(r, "prefix")}); err != nil {
			return err
		}
		return atoll.Forward(w, resp)
	})
}

func uplink(w http.ResponseWriter, r *http.Request) {
	resp, err := atoll.Transport.RoundTrip(request(r, "POST", r.Body))
	send(w, resp, err, func(w http.ResponseWriter, resp *http.Response) error {
		_, err := io.Copy(w, resp.Body)
		return err
	})
}

func early(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	_, _ = io.WriteString(w, "too large")
}

func hang(w http.ResponseWriter, r *http.Request) {
	head(w)
	<-r.Context().Done()
}

func linger(w http.ResponseWriter, r *http.Request) {
	hang(w, r)
	time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
}

func wait(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func abort(w http.ResponseWriter, r *http.Request) {
	head(w)
	panic(http.ErrAbortHandler)
}

func upload(w http.ResponseWriter, r *http.Request) {
	resp, err := atoll.Transport.RoundTrip(request(r, "POST", &pattern{n: number(r, "n")}))
	if err != nil {
		http.Error(w, failure(err), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		http.Error(w, failure(err), http.StatusBadGateway)
		return
	}
	fmt.Fprint(w, resp.StatusCode)
}

func leave(w http.ResponseWriter, r *http.Request) {
	if _, err := atoll.Transport.RoundTrip(request(r, "GET", nil)); err != nil {
		http.Error(w, failure(err), http.StatusBadGateway)
		return
	}
	_, _ = io.WriteString(w, "left")
}

func upgrade(w http.ResponseWriter, r *http.Request) {
	switch atoll.Protocol(r.Context()) {
	case "tcp":
		conn, err := atoll.Upgrade(w, r)
		if err != nil {
			return
		}
		_, _ = io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
		_ = conn.CloseWrite()
	case "websocket":
		if conn, err := atoll.Upgrade(w, r); err == nil {
			echoMessages(conn)
		}
	default:
		w.WriteHeader(http.StatusOK) // which the SDK makes `unsupported`
	}
}

func echoMessages(conn *atoll.Conn) {
	for {
		in, text, err := conn.NextReader()
		var closed *atoll.CloseError
		if errors.As(err, &closed) && closed.Code != atoll.CloseAbnormal {
			code := closed.Code
			if code == atoll.CloseNoStatus {
				code = 0
			}
			_ = conn.Close(code, closed.Text)
			return
		}
		if err != nil {
			return
		}
		// A message of one piece, which may be an order to close, is looked at
		// before it is sent back.
		first := make([]byte, 128)
		n, err := in.Read(first)
		if text && strings.HasPrefix(string(first[:n]), "close ") {
			var code int
			var reason string
			if _, err := fmt.Sscanf(string(first[:n]), "close %d %s", &code, &reason); err == nil {
				_ = conn.Close(code, reason)
				return
			}
		}
		out := conn.NextWriter(text)
		if n > 0 {
			if _, err := out.Write(first[:n]); err != nil {
				return
			}
		}
		if err == nil {
			if _, err := io.Copy(out, in); err != nil {
				return
			}
		}
		if err := out.Close(); err != nil {
			return
		}
	}
}

func join(w http.ResponseWriter, r *http.Request) {
	conn, err := atoll.Upgrade(w, r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_ = conn.Join(conn)
}

func log(w http.ResponseWriter, r *http.Request) {
	atoll.Log.Log(r.Context(), slog.LevelWarn, r.URL.Query().Get("text"), "key", "value")
	w.WriteHeader(http.StatusNoContent)
}

func settings(w http.ResponseWriter, r *http.Request) {
	head(w)
	for _, name := range []string{"absent", "empty", "greeting"} {
		if v, ok := atoll.Setting(name); ok {
			fmt.Fprintf(w, "%s=%s\n", name, v)
		}
	}
}

func random(w http.ResponseWriter, r *http.Request) {
	var b [16]byte
	g := atoll.Rand()
	for n := range b {
		b[n] = byte(g.Uint64())
	}
	fmt.Fprintf(w, "%x", b)
}

func timer(w http.ResponseWriter, r *http.Request) {
	ms := number(r, "ms")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Duration(ms)*time.Millisecond)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-r.Context().Done():
	}
	fmt.Fprint(w, ms)
}

// late takes its time, whatever becomes of the request.
func late(w http.ResponseWriter, r *http.Request) {
	time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
	head(w)
	time.Sleep(time.Duration(number(r, "more")) * time.Millisecond)
	_, _ = io.WriteString(w, "late")
}

func caller(w http.ResponseWriter, r *http.Request) {
	who := atoll.Caller(r.Context())
	fmt.Fprintf(w, "user=%s\nuser uid=%s\ngroups=%s\nworkspace=%s\nworkspace uid=%s\nproject=%s\nproject uid=%s\ncluster=%s\n",
		who.User, who.UserUID, strings.Join(who.Groups, ","), who.Workspace, who.WorkspaceUID, who.Project, who.ProjectUID, who.Cluster)
}

func header(w http.ResponseWriter, r *http.Request) {
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		if strings.HasPrefix(name, "X-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		w.Header()[name] = r.Header[name]
	}
	w.WriteHeader(http.StatusNoContent)
}
