// Leaves: small functions that charge nothing, because their callers pay for them.
package rewrite

// maxLeafBytes is how long the code of a function may be that is looked at.
const maxLeafBytes = 1000

// findLeaves finds the functions for which callers pay: they call nothing, go
// round nowhere, and the heaviest way through them is light.
func (w *writer) findLeaves() {
	w.leaves, w.leafOfType = make([]int, len(w.bodies)), make([]int, len(w.types))
	w.canonical = make([]uint32, len(w.types))
	for n, t := range w.types {
		w.canonical[n] = w.known[t.key()]
	}
	for n := range w.bodies {
		b := &w.bodies[n]
		if !b.simple || b.end-b.code > maxLeafBytes {
			continue
		}
		w.walk(b)
		weight := max(1, w.flow.heaviest())
		if weight > maxLeaf {
			continue
		}
		w.leaves[n] = weight
		if function := uint32(w.imported.funcs + n); w.declared != nil && w.declared.has(function) {
			typ := w.canonical[b.typ]
			w.leafOfType[typ] = max(w.leafOfType[typ], weight)
		}
	}
}
