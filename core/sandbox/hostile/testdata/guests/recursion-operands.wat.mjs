// Frames made fat by 2,000 operands that wait below each call.
// answer: fault stack
export default `(global $g (mut i64) (i64.const 0))
(func $fat (param $left i64) (result i64)
  ${"global.get $g i64.const 1 i64.add global.set $g global.get $g\n".repeat(2000)}
  (if (result i64) (i64.eqz (local.get $left)) (then (i64.const 0)) (else (call $fat (i64.sub (local.get $left) (i64.const 1)))))
  ${"i64.add ".repeat(2000)})
(func $attack (param $stream i32) (drop (call $fat (i64.const 100000))) (call $digits (local.get $stream) (i32.const 1)))`;
