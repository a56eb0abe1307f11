;; Begins with 4 GiB.
;; answer: refused It starts with 4294967296 bytes of memory
(memory (export "memory") 65536)
(func $attack (param $stream i32))
