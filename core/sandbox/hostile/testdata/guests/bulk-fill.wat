;; Fills 64 MiB in a loop: one instruction is 4 ms, and a slice of them is 7 minutes, where only instructions are counted.
;; answer: fault time
;; with: short
(memory (export "memory") 1024)
(func $attack (param $stream i32)
  (loop $again (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x4000000)) (br $again)))
