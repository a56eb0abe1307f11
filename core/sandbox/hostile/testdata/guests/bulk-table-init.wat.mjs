// Copies a segment of 50,000 functions into a table, again and again.
// answer: fault time
export default `(table $t 50000 funcref) (func $f) (elem $e func ${"$f ".repeat(50_000)})
(func $attack (param $stream i32) (loop $again (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 50000)) (br $again)))`;
