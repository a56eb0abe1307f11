;; Loops when it is asked where frames may be written.
;; answer: fault time
(func $buffer (param $size i32) (result i32) (loop $again (br $again)) (i32.const 0))
