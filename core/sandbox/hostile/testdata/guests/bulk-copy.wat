;; Copies 64 MiB over themselves in a loop.
;; answer: fault time
(memory (export "memory") 1024)
(func $attack (param $stream i32)
  (loop $again (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x3ffffff)) (br $again)))
