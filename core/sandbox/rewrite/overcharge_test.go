// What runs is paid for, and what does not run is not.
package rewrite

import (
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// spentOn gives the units of one call of a module that has one function.
func spentOn(t *testing.T, args uint64, locals []byte, write func(c *code)) int64 {
	t.Helper()
	b := &builder{}
	b.fn(funcType{params: []byte{i32}}, locals, write)
	b.fn(funcType{params: []byte{i32}, results: []byte{i32}}, nil, func(c *code) { // a leaf
		c.index(opLocalGet, 0)
		c.i32(3)
		c.op(opI32Add)
	})
	h := newHost(t, api.CoreFeaturesV2, 50_000)
	m := h.start(t, b.wasm(), Options{})
	if _, err := run(m, args); err != nil {
		t.Fatal(err)
	}
	return h.spent(m)
}

// divisions writes n divisions, of 4 units or so each.
func divisions(c *code, n int) {
	for range n {
		c.index(opLocalGet, 0)
		c.i32(3)
		c.op(opI32DivU, opDrop)
	}
}

func TestWaysThatAreNotTakenAreNotPaid(t *testing.T) {
	const arms, each = 64, 10
	weight := int64(opI32DivU.instruction().weight) * each / tenths // of an arm
	for name, test := range map[string]struct {
		write func(c *code)
		most  int64
	}{
		"a switch": {func(c *code) {
			for range arms {
				c.block(opBlock)
			}
			c.index(opLocalGet, 0)
			c.branchTable(arms)
			for n := range uint32(arms) {
				c.op(opEnd)
				divisions(c, each)
				c.index(opBr, arms-1-n)
			}
		}, weight},
		"ifs": {func(c *code) {
			for n := range int32(arms) {
				c.index(opLocalGet, 0)
				c.i32(n)
				c.op(opI32GtU)
				c.block(opIf)
				divisions(c, each)
				c.op(opEnd)
			}
		}, 3 * weight},
		"a return": {func(c *code) {
			c.index(opLocalGet, 0)
			c.index(opBrIf, 0)
			divisions(c, arms)
		}, 0},
		"the weights of leaves, which callers pay": {func(c *code) {
			c.i32(1)
			c.index(opCall, 1)
			c.op(opDrop)
		}, int64(weightCall+opI32Add.instruction().weight) / tenths},
	} {
		t.Run(name, func(t *testing.T) {
			got := spentOn(t, 3, nil, test.write)
			if around := int64(arms); got < test.most || got > test.most+around {
				t.Errorf("%d units were charged; %d to %d are right", got, test.most, test.most+around)
			}
		})
	}
}
