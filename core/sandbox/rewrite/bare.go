// A module without what says nothing about how it runs.
package rewrite

// Bare gives a module that Decode takes without its custom sections. wazero
// believes the counts in one that gives names, and asks for as much memory.
func Bare(wasm []byte) []byte {
	bare := append([]byte(nil), wasm[:8]...)
	r := &reader{wasm: wasm, at: 8, end: len(wasm)}
	for r.more() {
		at := r.at
		id := r.byte()
		r.part(r.u32())
		if id != 0 {
			bare = append(bare, wasm[at:r.at]...)
		}
	}
	return bare
}
