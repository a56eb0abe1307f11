// Package rewrite turns an untrusted WebAssembly module into one that can be
// run: it decodes and checks every byte of a core module of version 2 (with
// SIMD; without threads, exceptions, tail calls, 64-bit or several memories),
// holds it to limits, and writes it again so that it counts what it spends
// (fuel), bounds how deep it calls (depth), and shows all its state.
//
// It imports the standard library only and compiles or runs nothing. The
// original is expected to be validated by the runtime too before it is
// rewritten, and the result again.
//
// What a rewritten module does to its host:
//
//   - Fuel is a hidden i64 global. A charge point subtracts the static weight of
//     the code that it pays for; those that are checks call the imported function
//     Options.Tick when the rest is negative; tick takes that rest and gives the
//     fuel to go on with. The host may panic in it. One unit is about a
//     nanosecond (weight.go).
//   - Depth is a hidden i32 global, the bytes of host stack that may still be
//     taken; a function that calls subtracts its frame and calls Options.Deep
//     when nothing is left. Deep must panic. After a trap the depth is not what
//     it was: discard the instance, or set both globals again.
//   - Between two ticks lie at most the fuel that tick gave and a bound of some
//     million units (points.go says why).
//   - What is charged is at least what runs, and not much more: at each branch the
//     ways may differ by a few units.
package rewrite
