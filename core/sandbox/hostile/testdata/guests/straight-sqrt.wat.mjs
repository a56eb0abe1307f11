// A straight line of 200,000 f64.sqrt in a loop: 67 s between two ticks, where only loops are counted.
// answer: fault time
// with: short
export default `(func $attack (param $stream i32) (loop $again f64.const 2 ${"f64.sqrt ".repeat(200_000)} drop (br $again)))`;
