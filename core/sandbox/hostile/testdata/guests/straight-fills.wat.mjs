// A straight line of 1,000 fills of a megabyte each, and no loop at all around a bulk operation.
// answer: fault time
export default `(func $attack (param $stream i32) (loop $again
  ${"(memory.fill (i32.const 0x120000) (i32.const 1) (i32.const 0x100000))\n".repeat(1_000)} (br $again)))`;
