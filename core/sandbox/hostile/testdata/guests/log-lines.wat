;; Writes lines to its standard error without end.
;; answer: fault time
;; log: lines of an extension were dropped
(data (i32.const 1024) "\08\04\00\00\05\00\00\00" "heee\0a")
(func $attack (param $stream i32)
  (loop $again (drop (call $fd_write (i32.const 2) (i32.const 1024) (i32.const 1) (i32.const 512))) (br $again)))
