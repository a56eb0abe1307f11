// Package sandbox takes the bytes of a WebAssembly module and gives back
// something that answers streams. It knows no Kubernetes and no HTTP routes,
// depends on nothing of Atoll but the wire (sdk/go/wire), and could be a
// library of its own.
//
// What belongs here: checking and compiling modules, the guests' small WASI,
// instances and their event loops, windows, deadlines, faults, isolation.
// What does not: who may ask what (extension, access), what stands behind a
// door (capability), and anything that knows what a request means.
package sandbox
