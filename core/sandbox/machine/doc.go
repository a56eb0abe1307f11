// Package machine runs WebAssembly modules: it checks and compiles them, gives
// each instance a memory and a small world (clocks, randomness, a log), enters it
// with a batch of bytes and takes the bytes that it answers. What the bytes say
// is the sandbox's; this package knows no frame and no stream.
//
// It is the sandbox's wall: everything in it may run in a process of its own.
// Local makes machines in this process, Remote in another; both are a Room.
package machine
