// 250,000 functions.
// answer: refused functions
export default `(func $attack (param $stream i32)) ${"(func)".repeat(250_000)}`;
