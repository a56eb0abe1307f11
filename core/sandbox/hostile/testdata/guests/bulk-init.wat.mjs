// Copies a segment of a megabyte into its memory, again and again.
// answer: fault time
export default `(data $d "${"x".repeat(1 << 20)}")
(func $attack (param $stream i32) (loop $again (memory.init $d (i32.const 0x120000) (i32.const 0) (i32.const 0x100000)) (br $again)))`;
