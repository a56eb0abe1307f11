;; Has a second memory, where nobody looks.
;; answer: refused
(module
  (memory (export "memory") 1)
  (memory 65536)
  (func (export "atoll_wire_1"))
  (func (export "atoll_buffer") (param i32) (result i32) (i32.const 0))
  (func (export "atoll_poll") (param i32) (result i64) (i64.const 0)))
