// Go's own generator: what math/rand's functions, the order of maps and their
// seeds draw from. The runtime seeds it once, as it starts, and has no call that
// does so again; its state would be the same in every copy of a snapshot. So it
// is looked up in memory while the guest is initialized, and seeded by HELLO.
package atoll

import (
	"encoding/binary"
	"math/rand/v2"
	"unsafe"
)

// generatorState is the runtime's internal/chacha8rand.State. That it looks like
// this is Go's own affair: what is found is used only when it does.
type generatorState struct {
	buf     [blockWords]uint64
	seed    [seedWords]uint64
	i, n, c uint32 // buf[i:n] is still to be drawn; buf is block c/blockStep of seed
}

// The numbers of the algorithm: a seed makes four blocks, and the last of them
// ends with the next seed, which is not drawn.
const (
	blockWords = 32
	seedWords  = 4
	blockStep  = 4
	lastBlock  = 3 * blockStep
	stateWords = int(unsafe.Sizeof(generatorState{}) / 8)
)

// runtimeGenerator is the state that the runtime draws from: WebAssembly has one
// thread, and so it is one. Nil: it was not found.
var runtimeGenerator *generatorState

// reseed lets the runtime's generator go on from the instance's seed.
func reseed(seed [32]byte) {
	if runtimeGenerator == nil {
		return
	}
	for n := range seed {
		seed[n] ^= 0xa5 // Rand begins with the seed itself, and no number is to come twice
	}
	runtimeGenerator.restart(seed)
}

// restart makes it draw what rand.NewChaCha8(seed) draws.
func (g *generatorState) restart(seed [32]byte) {
	var same rand.ChaCha8
	same.Seed(seed)
	fresh := generatorState{n: blockWords}
	for n := range fresh.seed {
		fresh.seed[n] = binary.LittleEndian.Uint64(seed[8*n:])
	}
	for n := range fresh.buf {
		fresh.buf[n] = same.Uint64()
	}
	*g = fresh
}

// findGenerator finds the state by two numbers drawn from it, which stand in its
// buffer side by side, and lets what it finds show that it is the one. It belongs
// to the runtime's first thread, which is a variable, so it lies below the heap.
func findGenerator() *generatorState {
	const lowest = 4096 // Go leaves what a nil pointer might reach free
	heap := unsafe.Pointer(unsafe.SliceData(inbox))
	below := int(uintptr(heap) - lowest)
	memory := unsafe.Slice((*uint64)(unsafe.Add(heap, -below)), below/8)
	for range 4 { // a block may end between the two
		first, second := rand.Uint64(), rand.Uint64()
		for n := len(memory) - 2; n >= 0; n-- { // variables that begin as zero come last
			if memory[n] != first || memory[n+1] != second {
				continue
			}
			for drawn := 2; drawn <= blockWords; drawn++ {
				at := n + 2 - drawn
				if at < 0 || at+stateWords > len(memory) {
					continue
				}
				g := (*generatorState)(unsafe.Pointer(&memory[at]))
				if g.i == uint32(drawn) && g.foretells() && g.obeys() {
					return g
				}
			}
		}
	}
	return nil
}

// foretells tells whether the runtime draws what this state says. It changes
// nothing but that the numbers are drawn.
func (g *generatorState) foretells() bool {
	last := g.c == lastBlock && g.n == blockWords-seedWords
	if !last && g.n != blockWords || g.i > g.n || g.c > lastBlock || g.c%blockStep != 0 {
		return false
	}
	encoded := binary.BigEndian.AppendUint64([]byte("chacha8:"), uint64(g.c/blockStep*blockWords+g.i))
	for _, word := range g.seed {
		encoded = binary.LittleEndian.AppendUint64(encoded, word)
	}
	var same rand.ChaCha8
	return same.UnmarshalBinary(encoded) == nil && drawsAs(&same)
}

// obeys tells whether the runtime draws by a seed that is put here. Afterwards
// the state is what it was.
func (g *generatorState) obeys() bool {
	was := *g
	defer func() { *g = was }()
	seed := [32]byte{1, 2, 3}
	g.restart(seed)
	return drawsAs(rand.NewChaCha8(seed))
}

// drawsAs tells whether the runtime draws the same numbers as another generator,
// for longer than one seed lasts.
func drawsAs(other *rand.ChaCha8) bool {
	for range 5 * blockWords {
		if rand.Uint64() != other.Uint64() {
			return false
		}
	}
	return true
}
