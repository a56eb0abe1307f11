// Guest extism: the peer of the frame-level route. It answers with its input,
// through Extism's kernel, as Extism's own Go library for plug-ins does: eight
// bytes a host call.
package main

import "encoding/binary"

func main() {}

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env input_load_u64
func inputLoadU64(at uint64) uint64

//go:wasmimport extism:host/env input_load_u8
func inputLoadU8(at uint64) uint32

//go:wasmimport extism:host/env alloc
func alloc(n uint64) uint64

//go:wasmimport extism:host/env store_u64
func storeU64(at, v uint64)

//go:wasmimport extism:host/env store_u8
func storeU8(at uint64, v uint32)

//go:wasmimport extism:host/env output_set
func outputSet(at, n uint64)

//go:wasmexport frame
func frame() int32 {
	n := inputLength()
	body := make([]byte, n)
	i := uint64(0)
	for ; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(body[i:], inputLoadU64(i))
	}
	for ; i < n; i++ {
		body[i] = byte(inputLoadU8(i))
	}
	at := alloc(n)
	for i = 0; i+8 <= n; i += 8 {
		storeU64(at+i, binary.LittleEndian.Uint64(body[i:]))
	}
	for ; i < n; i++ {
		storeU8(at+i, uint32(body[i]))
	}
	outputSet(at, n)
	return 0
}
