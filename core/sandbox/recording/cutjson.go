// Secret JSON: it stays JSON of the same shape and length, and nothing of its
// values is left.
package recording

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// isJSON tells whether a text is objects or arrays of JSON, one after the other,
// of which the last may be cut off.
func isJSON(text string) bool {
	if first := strings.TrimLeft(text, " \t\r\n"); first == "" || first[0] != '{' && first[0] != '[' {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	for {
		switch _, err := d.Token(); {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return true
		default:
			return false
		}
	}
}

// cutJSON replaces strings by as many letters and digits by ones; keys, true,
// false and null stay. What the strings were is looked for elsewhere too.
func (c *cutter) cutJSON(text string) string {
	out := []byte(text)
	for at := 0; at < len(text); {
		switch b := text[at]; {
		case b == '"':
			end := stringEnd(text, at+1)
			if rest := strings.TrimLeft(text[min(end+1, len(text)):], " \t\r\n"); !strings.HasPrefix(rest, ":") {
				c.echo(text[at+1 : end])
				var plain string
				if end < len(text) && json.Unmarshal([]byte(text[at:end+1]), &plain) == nil {
					c.echo(plain)
				}
				for n := at + 1; n < end; n++ {
					out[n] = letter[0]
				}
			}
			at = end + 1
		case '0' <= b && b <= '9':
			out[at] = '1'
			at++
		default:
			at++
		}
	}
	return string(out)
}

// stringEnd is where a JSON string ends whose content begins at a place: its
// closing quote, or the end of the text.
func stringEnd(text string, at int) int {
	for ; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at
		}
	}
	return len(text)
}
