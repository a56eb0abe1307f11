;; Has a memory that threads could share.
;; answer: refused
(memory (export "memory") 36 36 shared)
(func $attack (param $stream i32))
