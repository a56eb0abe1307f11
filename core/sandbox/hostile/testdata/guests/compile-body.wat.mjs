// A function of 5 MiB.
// answer: refused
export default `(func $attack (param $stream i32) (local $x f64) ${"(local.set $x (f64.sqrt (local.get $x)))".repeat(1_100_000)})`;
