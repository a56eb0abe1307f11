;; Says something before its HELLO.
;; answer: fault start
(func $hello (call $wake (i32.const 1)) (call $say (i32.const 64) (i32.const 38)))
