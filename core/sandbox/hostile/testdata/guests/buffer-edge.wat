;; Has the host write its frames over the end of its memory.
;; answer: fault trap
(func $buffer (param $size i32) (result i32) (i32.sub (i32.mul (memory.size) (i32.const 0x10000)) (i32.const 4)))
