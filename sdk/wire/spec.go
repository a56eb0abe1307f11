// Package wire is the specification of the wire as data: numbers, the state
// table and the rules (wire.json), and the golden frames and conversations.
// README.md is the same in prose. The codec is sdk/go/wire, the conformance kit
// is ./kit.
package wire

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:generate go run ./generate

//go:embed wire.json
var source []byte

// Golden holds the golden frames (golden/frames.json) and the golden
// conversations (golden/conversations/*.json).
//
//go:embed golden
var Golden embed.FS

// Spec is wire.json.
type Spec struct {
	ABI        int       `json:"abi"`
	Minor      int       `json:"minor"`
	Limits     []Limit   `json:"limits"`
	Frames     []Frame   `json:"frames"`
	Flags      []Number  `json:"flags"`
	FieldFlags []Number  `json:"fieldFlags"`
	Codes      []Number  `json:"codes"`
	Tags       []Tag     `json:"tags"`
	Features   []Number  `json:"features"`
	States     []Meaning `json:"states"`
	Outcomes   []Meaning `json:"outcomes"`
	Table      []Row     `json:"table"`
	Rules      []Rule    `json:"rules"`
}

// Limit is one limit of the wire.
type Limit struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
	Unit  string `json:"unit"`
	About string `json:"about"`
}

// Frame is one type of frame.
type Frame struct {
	Name    string   `json:"name"`
	Number  int      `json:"number"`
	From    []string `json:"from"`    // host, guest
	Who     string   `json:"who"`     // the same in words
	On      string   `json:"on"`      // zero, stream, any
	Payload string   `json:"payload"` // its form: fields, fields or none, bytes, code, code and text, u32, none
	More    string   `json:"more"`
	About   string   `json:"about"`
}

// Number is a named number: a flag, a code, a feature.
type Number struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
	In     string `json:"in"`
	About  string `json:"about"`
}

// Tag is one tag of fields.
type Tag struct {
	Name     string   `json:"name"`
	Number   int      `json:"number"`
	Form     string   `json:"form"` // text, pair, u16, u32, u64, i32, 32 bytes
	In       []string `json:"in"`   // the frames that carry it
	By       []string `json:"by"`   // who may say it: host, guest
	Repeated bool     `json:"repeated"`
	About    string   `json:"about"`
}

// Meaning is a word of the state table and what it means.
type Meaning struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Row is a row of the state table: what a receiver does with a frame, by state.
// A cell is an outcome; a fault is followed by the id of the rule that it breaks.
type Row map[string]string

// Rule is one rule.
type Rule struct {
	ID    string `json:"id"`
	About string `json:"about"`
}

// Load gives the specification.
func Load() *Spec {
	s, err := Parse(source)
	if err != nil {
		panic(err) // it is embedded and tested
	}
	return s
}

// Parse reads a wire.json and checks that what it names exists.
func Parse(raw []byte) (*Spec, error) {
	s := &Spec{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("reading wire.json: %w", err)
	}
	return s, s.check()
}

func (s *Spec) check() error {
	rules := map[string]bool{}
	for _, r := range s.Rules {
		if rules[r.ID] {
			return fmt.Errorf("wire.json: rule %s stands there twice", r.ID)
		}
		rules[r.ID] = true
	}
	for _, row := range s.Table {
		for _, state := range s.States {
			outcome, rule := row[state.Name], ""
			if after, ok := strings.CutPrefix(outcome, "fault "); ok {
				outcome, rule = "fault", after
			}
			if rule != "" && !rules[rule] {
				return fmt.Errorf("wire.json: %s in state %s breaks an unknown rule %q", row["frame"], state.Name, rule)
			}
			known := false
			for _, o := range s.Outcomes {
				known = known || o.Name == outcome
			}
			if !known || (outcome == "fault") != (rule != "") {
				return fmt.Errorf("wire.json: %s in state %s has no outcome of the list: %q", row["frame"], state.Name, row[state.Name])
			}
		}
	}
	return nil
}
