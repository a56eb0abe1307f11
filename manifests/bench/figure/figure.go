// Package figure is what measuring programs say: figures, one JSON object a
// line. They write them, and the gathering program one folder up reads them.
package figure

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
)

// Figure is one measured value; a peer is what it was compared with in the same
// run.
type Figure struct {
	Name      string   `json:"name"`
	Value     float64  `json:"value"`
	Unit      string   `json:"unit"`
	Peer      string   `json:"peer,omitempty"`
	PeerValue *float64 `json:"peerValue,omitempty"` // in the unit of Value
	Note      string   `json:"note,omitempty"`
}

// Write writes figures to the named file, in place of what was there; to
// standard output where name is empty.
func Write(name string, figures []Figure) (err error) {
	out := os.Stdout
	if name != "" {
		if out, err = os.Create(name); err != nil {
			return fmt.Errorf("writing figures: %w", err)
		}
		defer func() {
			if end := out.Close(); err == nil && end != nil {
				err = fmt.Errorf("writing figures: %w", end)
			}
		}()
	}
	lines := json.NewEncoder(out)
	for _, f := range figures {
		if err := lines.Encode(f); err != nil {
			return fmt.Errorf("writing figure %s: %w", f.Name, err)
		}
	}
	return nil
}

// Read reads what Write wrote to the named file. What it read before an error
// comes with the error.
func Read(name string) (figures []Figure, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading figures: %w", err)
	}
	defer file.Close()
	for lines := json.NewDecoder(bufio.NewReader(file)); ; {
		var f Figure
		if err := lines.Decode(&f); err == io.EOF {
			return figures, nil
		} else if err != nil {
			return figures, fmt.Errorf("reading figure %d of %s: %w", len(figures)+1, name, err)
		}
		figures = append(figures, f)
	}
}

// Median is the middle one of values, which it sorts; of an even number, the
// upper of the two. There must be one.
func Median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
