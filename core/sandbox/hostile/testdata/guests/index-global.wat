;; Has no globals, and sets the first: what rewriting makes valid, the host's fuel. It ran for 1.8 s without a tick.
;; answer: refused there is no global 0
;; with: short
(module
  (memory (export "memory") 1)
  (func (export "atoll_wire_1"))
  (func (export "atoll_buffer") (param i32) (result i32) (i32.const 0))
  (func (export "atoll_poll") (param i32) (result i64) (loop $again (global.set 0 (i64.const 0x7fffffffffffffff)) (br $again)) (i64.const 0)))
