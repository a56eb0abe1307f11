;; Has the host write its frames outside of its memory.
;; answer: fault trap
(func $buffer (param $size i32) (result i32) (i32.const 0xfffffff0))
