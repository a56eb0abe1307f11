// 2,000 small arms one behind the other, all of them taken, in a loop.
// answer: fault time
export default `(func $attack (param $stream i32) (local $x f64) (loop $again
  ${"(if (i32.const 1) (then (local.set $x (f64.sqrt (local.get $x)))))\n".repeat(2_000)} (br $again)))`;
