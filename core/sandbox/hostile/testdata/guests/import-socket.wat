;; Imports sockets, which WASI preview 1 does not have.
;; answer: refused sock_open
(module
  (import "wasi_snapshot_preview1" "sock_open" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "atoll_wire_1"))
  (func (export "atoll_buffer") (param i32) (result i32) (i32.const 0))
  (func (export "atoll_poll") (param i32) (result i64) (i64.const 0)))
