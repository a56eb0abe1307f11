// The words of the protocol.

package stream

import (
	"encoding/json"
	"errors"
	"fmt"
)

// incoming is what a tab says.
type incoming struct {
	Type     string `json:"type"`
	ID       int64  `json:"id"`
	Path     string `json:"path"`
	Accept   string `json:"accept"`
	Language string `json:"language"` // as Accept-Language has it; "": that of the request that opened the connection
	Credit   int64  `json:"credit"`
	Bytes    int64  `json:"bytes"`
}

// outgoing is what the core says.
type outgoing struct {
	Type        string   `json:"type"`
	ID          int64    `json:"id"`
	Status      int      `json:"status,omitempty"`
	ContentType string   `json:"contentType,omitempty"`
	Text        string   `json:"text,omitempty"`
	Problem     *problem `json:"problem,omitempty"`
}

// problem is why an answer is not complete, in the words of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func newProblem(status int, title, detail string) *problem {
	return &problem{Type: "about:blank", Title: title, Status: status, Detail: detail}
}

const maxSafeInteger = 1<<53 - 1 // what JavaScript counts exactly

var errProtocol = errors.New("not the protocol")

// readIncoming reads one message; everything that is not one breaks the
// protocol.
func readIncoming(text []byte) (incoming, error) {
	var m incoming
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%w: a message is no JSON object of the known shape", errProtocol)
	}
	if m.ID < 1 || m.ID > maxSafeInteger {
		return m, fmt.Errorf("%w: an id is a whole number from 1 to %d", errProtocol, int64(maxSafeInteger))
	}
	switch m.Type {
	case "open":
		if m.Credit < 0 || m.Credit > maxCredit {
			return m, fmt.Errorf("%w: credit is from 0 to %d", errProtocol, maxCredit)
		}
	case "credit":
		if m.Bytes < 1 || m.Bytes > maxCredit {
			return m, fmt.Errorf("%w: bytes are from 1 to %d", errProtocol, maxCredit)
		}
	case "close":
	default:
		return m, fmt.Errorf("%w: a message is open, credit or close", errProtocol)
	}
	return m, nil
}
