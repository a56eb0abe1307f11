;; Writes a line of two megabytes.
;; answer: 200 1
;; log: dropped
(data (i32.const 1024) "\00\00\00\00\00\00\20\00")
(func $attack (param $stream i32)
  (memory.fill (i32.const 0) (i32.const 120) (i32.const 512))
  (drop (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 768)))
  (call $digits (local.get $stream) (i32.const 1)))
