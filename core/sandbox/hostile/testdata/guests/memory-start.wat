;; Begins with more than it may have.
;; answer: refused may have 67108864
(memory (export "memory") 1025)
(func $attack (param $stream i32))
