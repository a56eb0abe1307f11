// Modules that are larger than anything a compiler makes, in a way that costs
// the host.
package rewrite

import (
	"bytes"
	"strings"
	"testing"
)

// within decodes a module with one function, and says why it is refused; "":
// it is not.
func within(locals int, write func(c *code)) string {
	b := &builder{}
	b.fn(funcType{params: []byte{i32}}, bytes.Repeat([]byte{1, i32}, locals-1), write)
	b.types.byte(0x60)
	b.types.sized(nil)
	b.types.sized(bytes.Repeat([]byte{i32}, 494))
	b.n[1]++
	if _, err := Decode(b.wasm(), Limits{}); err != nil {
		return err.Error()
	}
	return ""
}

func TestCompileBombsAreRefused(t *testing.T) {
	ifs := func(n int) func(c *code) {
		return func(c *code) {
			for range n {
				c.index(opLocalGet, 0)
				c.block(opIf)
				c.op(opEnd)
			}
		}
	}
	branches := func(n int) func(c *code) {
		return func(c *code) {
			for range n {
				c.index(opLocalGet, 0)
				c.index(opBrIf, 0)
			}
		}
	}
	loops := func(n int) func(c *code) {
		return func(c *code) {
			for range n {
				c.block(opLoop)
			}
			for range n {
				c.op(opEnd)
			}
		}
	}
	// carrying has a block and n-1 branches out of it, with 494 operands.
	carrying := func(n int) func(c *code) {
		return func(c *code) {
			const operands = 494
			c.op(opBlock)
			c.byte(1)
			for range operands {
				c.i32(1)
			}
			for range n - 1 {
				c.index(opLocalGet, 0)
				c.index(opBrIf, 0)
			}
			c.op(opEnd)
			for range operands {
				c.op(opDrop)
			}
		}
	}
	labels := func(n int) func(c *code) {
		return func(c *code) {
			c.index(opLocalGet, 0)
			c.op(opBrTable)
			c.u32(uint32(n - 1))
			c.bytes(make([]byte, n))
		}
	}
	for _, test := range []struct {
		name    string
		largest int // that is taken
		locals  int
		write   func(n int) func(c *code)
		why     string
	}{
		{"blocks", 10_000, 1, ifs, "more than 10000 blocks and branches"},
		{"branches", 10_000, 1, branches, "more than 10000 blocks and branches"},
		{"labels", 10_000, 1, labels, "more than 10000 blocks and branches"},
		{"loops in loops", 50, 1, loops, "nested more than 50 deep"},
		{"branches that take much along", 1409, 1, carrying, "1410 branches with 495 locals and operands"},
		{"branches with many locals", 1407, 497, branches, "1408 branches with 497 locals"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if why := within(test.locals, test.write(test.largest)); why != "" {
				t.Errorf("%d are refused: %s", test.largest, why)
			}
			if why := within(test.locals, test.write(test.largest+1)); !strings.Contains(why, test.why) {
				t.Errorf("%d: %q, which does not say %q", test.largest+1, why, test.why)
			}
		})
	}
}

// Tables are limited in sum: in what they begin with and in what they grow to.
func TestTablesAreLimitedTogether(t *testing.T) {
	b := &builder{}
	for range 5 {
		b.table(Size{Min: 250_000})
	}
	if _, err := Decode(b.wasm(), Limits{}); err == nil || !strings.Contains(err.Error(), "tables of 1250000 entries; at most 1048576") {
		t.Errorf("five tables: %v", err)
	}
	b = &builder{}
	b.table(Size{Min: 100})
	b.table(Size{Min: 300, Max: 310, Capped: true})
	b.table(Size{Min: 0})
	b.table(Size{Min: 50})
	out, err := rewritten(b.wasm(), Limits{}, Options{TableCap: 850})
	if err != nil {
		t.Fatal(err)
	}
	again, err := decodeAgain(out.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	for n, most := range []uint64{200, 310, 100, 150} {
		if got := again.Tables[n]; !got.Capped || got.Max != most {
			t.Errorf("table %d grows to %d; at most %d is right", n, got.Max, most)
		}
	}
}
