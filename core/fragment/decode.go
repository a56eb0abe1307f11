// Reading JSON that somebody else wrote: bounded in size and depth, numbers as
// every browser reads them, and nothing after the document.
package fragment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

const (
	// MaxSize is the largest fragment in bytes, as the guest writes it.
	MaxSize = 256 << 10
	// MaxNodes is how many elements one fragment may have.
	MaxNodes = 2000
	// MaxDepth is how many elements may stand inside one another.
	MaxDepth = 16

	// maxNesting bounds the JSON itself: an element adds three levels (its
	// children, a column, a cell), a predicate two.
	maxNesting = 96
	// maxOutput bounds what goes to a browser, with all texts filled in.
	maxOutput = 1 << 20
)

// decode reads one JSON document.
func decode(raw []byte) (any, *Violation) {
	if len(raw) > MaxSize {
		return nil, &Violation{RuleSize, "", fmt.Sprintf("%d bytes are more than the %d that a fragment may have", len(raw), MaxSize)}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := value(d, 0)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = fmt.Errorf("something stands after the document")
		}
	}
	if err == errDepth {
		return nil, &Violation{RuleSize, "", fmt.Sprintf("more than %d levels of JSON", maxNesting)}
	}
	if err != nil {
		return nil, &Violation{RuleJSON, "", fmt.Sprintf("not JSON at byte %d: %v", d.InputOffset(), err)}
	}
	return v, nil
}

var errDepth = fmt.Errorf("too deep")

func value(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errDepth
	}
	t, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			list := []any{}
			for d.More() {
				v, err := value(d, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := d.Token()
			return list, err
		}
		object := map[string]any{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("an object's key is not a text")
			}
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("%q stands twice in one object", name)
			}
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			object[name] = v
		}
		_, err := d.Token()
		return object, err
	case json.Number:
		// A number becomes what a browser makes of it. Left as digits, 1e999999999
		// would be expanded by whoever compares it exactly.
		f, err := strconv.ParseFloat(t.String(), 64)
		if err != nil {
			return nil, fmt.Errorf("the number %.32s is out of range", t)
		}
		return f, nil
	default:
		return t, nil
	}
}
