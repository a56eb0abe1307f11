// Values as the specification's suite writes them.
package rewrite

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// specValue is an argument or an expected result: one text for each lane.
type specValue struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    specLanes
}

type specLanes []string

func (l *specLanes) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '[':
		return json.Unmarshal(b, (*[]string)(l))
	case 'n': // null: anything
		return nil
	}
	*l = make(specLanes, 1)
	return json.Unmarshal(b, &(*l)[0])
}

// width of a lane in bits.
func (v specValue) width() int {
	name := v.Type
	if name == "v128" {
		name = v.LaneType
	}
	switch strings.TrimLeft(name, "if") {
	case "8":
		return 8
	case "16":
		return 16
	case "32":
		return 32
	}
	return 64
}

// lane is one lane's bits.
func (v specValue) lane(text string) uint64 {
	if text == "null" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		signed, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic("the suite writes " + text)
		}
		n = uint64(signed)
	}
	if v.Type == "externref" {
		n++ // wazero's null is 0
	}
	return n & (1<<v.width() - 1)
}

// bits is the value as wazero's calls take it.
func (v specValue) bits() []uint64 {
	all := make([]uint64, 1, 2)
	if v.Type == "v128" {
		all = all[:2]
	}
	for n, text := range v.Value {
		at := n * v.width()
		all[at/64] |= v.lane(text) << (at % 64)
	}
	return all
}

// matches tells whether one lane's bits are what a text wants.
func (v specValue) matches(text string, bits uint64) bool {
	exponent, quiet := uint64(0x7f800000), uint64(0x400000)
	if v.width() == 64 {
		exponent, quiet = 0x7ff<<52, 1<<51
	}
	sign := uint64(1) << (v.width() - 1)
	switch text {
	case "nan:canonical":
		return bits&^sign == exponent|quiet
	case "nan:arithmetic":
		return bits&(exponent|quiet) == exponent|quiet
	}
	want := v.lane(text)
	isNaN := func(b uint64) bool { return b&exponent == exponent && b&(quiet<<1-1) != 0 }
	if float := v.Type[0] == 'f' && v.Type != "funcref" || v.LaneType != "" && v.LaneType[0] == 'f'; float && isNaN(want) {
		return isNaN(bits)
	}
	return bits == want
}

func specMatch(want []specValue, got []uint64) error {
	at := 0
	for n, v := range want {
		words := 1
		if v.Type == "v128" {
			words = 2
		}
		if at+words > len(got) {
			return fmt.Errorf("%d results", len(got))
		}
		for lane, text := range v.Value {
			bit := lane * v.width()
			bits := got[at+bit/64] >> (bit % 64) & (1<<v.width() - 1)
			if !v.matches(text, bits) {
				return fmt.Errorf("result %d, lane %d is 0x%x, not %s (%s)", n, lane, bits, text, v.Type)
			}
		}
		at += words
	}
	if at != len(got) {
		return fmt.Errorf("%d results, not %d", len(got), at)
	}
	return nil
}
