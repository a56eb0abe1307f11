// Asking: a client that is smaller than net/http's.
package atoll

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client is a small client over Transport: no redirects, no cookies, no proxies,
// none of which mean anything here.
var Client = client{}

type client struct{}

// Do asks and gives the answer, whatever its status. Whoever gets it closes its
// body.
func (client) Do(r *http.Request) (*http.Response, error) { return Transport.RoundTrip(r) }

// Get asks with GET.
func (c client) Get(ctx context.Context, url string) (*http.Response, error) {
	r, err := newRequest(ctx, http.MethodGet, url)
	if err != nil {
		return nil, err
	}
	return c.Do(r)
}

// newRequest makes a request without a body. For a plain address of the platform
// it is lighter than net/http's, in time and in stack: a goroutine that asks
// little begins and ends with two kilobytes.
func newRequest(ctx context.Context, method, address string) (*http.Request, error) {
	host, ok := strings.CutPrefix(address, "http://")
	if n := strings.IndexByte(host, '/'); ok && n > 0 && ctx != nil {
		if u := plainTarget(host[n:]); u != nil && all(host[:n], inPath) {
			u.Scheme, u.Host = "http", host[:n]
			r := blank.WithContext(ctx)
			r.Method, r.URL, r.Host, r.Header = method, u, u.Host, http.Header{}
			return r, nil
		}
	}
	return http.NewRequestWithContext(ctx, method, address, nil)
}

// maxStatusBody is how much of an answer a StatusError holds, in bytes.
const maxStatusBody = 4 << 10

// StatusError is an answer that was not a success; Body is its first 4 KiB.
type StatusError struct {
	Status int
	Body   []byte
}

// Error says the status and the body.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), bytes.TrimSpace(e.Body))
}

// JSON asks with a JSON body (nil: none) and reads a JSON answer into out (nil:
// it is thrown away). A status of 300 and more is a *StatusError.
func (c client) JSON(ctx context.Context, method, url string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, maxStatusBody))
		return &StatusError{Status: resp.StatusCode, Body: b}
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("decoding the answer: %w", err)
	}
	return nil
}
