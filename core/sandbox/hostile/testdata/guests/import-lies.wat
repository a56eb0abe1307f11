;; Imports a function with another signature than it has.
;; answer: refused It imports wasi_snapshot_preview1.random_get as
(module
  (import "wasi_snapshot_preview1" "random_get" (func (param i64 i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "atoll_wire_1"))
  (func (export "atoll_buffer") (param i32) (result i32) (i32.const 0))
  (func (export "atoll_poll") (param i32) (result i64) (i64.const 0)))
