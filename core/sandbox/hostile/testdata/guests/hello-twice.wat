;; Answers HELLO twice.
;; answer: fault wire
(func $hello (call $say (i32.const 64) (i32.const 38)) (call $say (i32.const 64) (i32.const 38)))
