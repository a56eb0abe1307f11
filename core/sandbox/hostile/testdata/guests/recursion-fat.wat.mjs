// 10,000 calls of a function with 1,500 locals that live on while it calls: 178 MiB of the host's stack, where only calls are counted.
// answer: fault stack
// with: short cpu=2s
const locals = [...Array(1500).keys()];
export default `(global $g (mut i64) (i64.const 0))
(func $fat (param $left i64) (local ${"i64 ".repeat(1500)})
  ${locals.map((n) => `(local.set ${n + 1} (i64.add (global.get $g) (i64.const ${n})))`).join("\n")}
  (if (i64.eqz (local.get $left)) (then (return)))
  (call $fat (i64.sub (local.get $left) (i64.const 1)))
  ${locals.map((n) => `(global.set $g (i64.add (global.get $g) (local.get ${n + 1})))`).join("\n")})
(func $attack (param $stream i32) (call $fat (i64.const 10000)) (call $digits (local.get $stream) (i32.const 1)))`;
