// A straight line of 50,000 square roots of vectors in a loop.
// answer: fault time
export default `(func $attack (param $stream i32) (loop $again (f64x2.splat (f64.const 2)) ${"f64x2.sqrt ".repeat(50_000)} drop (br $again)))`;
