// Bulk operations do what they did before, whole or not at all.
package rewrite

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

var three = funcType{params: []byte{i32, i32, i32}}

// bulkModule has 48 pages of memory and a table of 90,000 entries, and runs one
// instruction with its three parameters.
func bulkModule(table bool, instruction func(c *code)) []byte {
	b := &builder{}
	b.fn(three, nil, func(c *code) {
		for x := range uint32(3) {
			c.index(opLocalGet, x)
		}
		instruction(c)
	})
	// f1 says whether an entry of the table is null; f2 sets one.
	b.fn(funcType{params: []byte{i32}, results: []byte{i32}}, nil, func(c *code) {
		c.index(opLocalGet, 0)
		c.index(opTableGet, 0)
		c.op(opRefIsNull)
	})
	b.fn(funcType{params: []byte{i32}}, nil, func(c *code) {
		c.index(opLocalGet, 0)
		c.index(opRefFunc, 0)
		c.index(opTableSet, 0)
	})
	b.pages(48, 48)
	b.table(Size{Min: 90_000})
	if table {
		b.elems(true, make([]uint32, 80_000)...)
	}
	b.segment(-1, bytes.Repeat([]byte("0123456789abcdef!"), 150_000)) // 2.4 MiB
	return b.wasm()
}

func TestBulkOperationsWorkAsBefore(t *testing.T) {
	const mib, all = 1 << 20, 48 << 16
	memory := [][3]uint32{
		{0, 1, 0}, {3, 1, 128}, {1, 3, 129}, {all - 10, 0, 11}, {0, all - 10, 11}, {0, 100, mib}, {5, 9, mib + 1}, {9, 5, 2*mib + 12345}, {0, 1000, all - 1000}, {1000, 0, all - 1000},
		{1000, 0, all - 999}, {0, 1000, all - 999}, {mib, 0, 2 * mib}, {all, 0, 0}, {0, 0xffffffff, 2 * mib}, {0, 0, 0xffffffff}, {0, 65536, 0x80000000},
	}
	table := [][3]uint32{
		{0, 1, 0}, {0, 1, 65536}, {7, 1, 65537}, {0, 0, 80_000}, {0, 0, 80_001}, {3, 9, 89_000}, {9, 3, 89_000},
		{10_000, 0, 80_000}, {10_001, 0, 80_000}, {0, 0xffffffff, 70_000}, {0, 0, 0xffffffff},
	}
	for name, test := range map[string]struct {
		write func(c *code)
		cases [][3]uint32
	}{
		"memory.fill": {func(c *code) { c.index(opMemoryFill, 0) }, memory},
		"memory.copy": {func(c *code) { c.index(opMemoryCopy, 0, 0) }, memory},
		"memory.init": {func(c *code) { c.index(opMemoryInit, 0, 0) }, memory},
		"memory.init of a dropped segment": {func(c *code) {
			c.index(opDataDrop, 0)
			c.index(opMemoryInit, 0, 0)
		}, memory[:3]},
		"table.copy": {func(c *code) { c.index(opTableCopy, 0, 0) }, table},
		"table.init": {func(c *code) { c.index(opTableInit, 0, 0) }, table},
		"table.init of a dropped segment": {func(c *code) {
			c.index(opElemDrop, 0)
			c.index(opTableInit, 0, 0)
		}, table[:3]},
		"table.fill": {func(c *code) {
			c.op(opDrop, opDrop)
			c.index(opRefFunc, 0)
			c.index(opLocalGet, 2)
			c.index(opTableFill, 0)
		}, table},
	} {
		t.Run(name, func(t *testing.T) {
			wasm := bulkModule(strings.HasPrefix(name, "table"), test.write)
			h := newHost(t, api.CoreFeaturesV2, 50_000)
			for _, c := range test.cases {
				m, err := h.InstantiateWithConfig(t.Context(), wasm, wazero.NewModuleConfig().WithName(""))
				if err != nil {
					t.Fatal(err)
				}
				before, after := bulkOutcome(t, m, c), bulkOutcome(t, h.start(t, wasm, Options{}), c)
				if before != after {
					t.Errorf("%d: %s; before: %s", c, after, before)
				}
			}
			if h.most > 70_000 {
				t.Errorf("%d units were overdrawn at once", h.most)
			}
		})
	}
}

// pattern is memory in which no two places look alike for long.
var pattern = func() []byte {
	b := make([]byte, 48<<16)
	for n := range b {
		b[n] = byte(n * n >> 7)
	}
	return b
}()

// bulkOutcome runs an operation and says how it ended, what memory holds, and
// which entries are null.
func bulkOutcome(t *testing.T, m api.Module, args [3]uint32) string {
	t.Helper()
	defer m.Close(t.Context())
	m.Memory().Write(0, pattern)
	for n := uint64(0); n < 90_000; n += 999 {
		if _, err := m.ExportedFunction("f2").Call(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	_, err := run(m, uint64(args[0]), uint64(args[1]), uint64(args[2]))
	ended := "well"
	if err != nil {
		ended, _, _ = strings.Cut(err.Error(), "\n")
	}
	b, _ := m.Memory().Read(0, m.Memory().Size())
	var nulls strings.Builder
	for n := uint64(0); n < 90_000; n += 83 {
		null, err := m.ExportedFunction("f1").Call(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(&nulls, null[0])
	}
	return fmt.Sprintf("%s, memory %x, table %x", ended, crc32.ChecksumIEEE(b), crc32.ChecksumIEEE([]byte(nulls.String())))
}
