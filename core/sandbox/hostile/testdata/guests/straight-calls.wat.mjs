// 5,000 calls in a straight line, each of a straight line, in a loop: neither has a loop of its own to be stopped at.
// answer: fault time
export default `(func $line (param f64) (result f64) local.get 0 ${"f64.sqrt ".repeat(2_000)})
(func $attack (param $stream i32) (loop $again f64.const 2 ${"call $line ".repeat(5_000)} drop (br $again)))`;
