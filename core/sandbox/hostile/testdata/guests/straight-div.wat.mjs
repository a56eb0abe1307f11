// A straight line of 100,000 divisions of 64 bits in a loop.
// answer: fault time
export default `(func $attack (param $stream i32) (local $by i64) (local.set $by (i64.const 3))
  (loop $again i64.const -1 ${"local.get $by i64.div_u i64.const 0x7ffffffffffffff1 i64.or ".repeat(50_000)} drop (br $again)))`;
