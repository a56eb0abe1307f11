// A function with 100,000 operands open at once.
// answer: refused operands
export default `(func $attack (param $stream i32) ${"i32.const 1 ".repeat(100_000)} ${"drop ".repeat(100_000)})`;
