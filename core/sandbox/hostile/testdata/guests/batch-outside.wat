;; Frames that lie outside of its memory.
;; answer: fault trap
(func $attack (param $stream i32))
(func $frames (result i64)
  (if (result i64) (i32.eq (i32.load8_u offset=4 (i32.const 0x20000)) (i32.const 1))
    (then (call $written))
    (else (i64.const 0xfffffff000000064))))
