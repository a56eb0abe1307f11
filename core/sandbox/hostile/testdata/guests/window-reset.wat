;; Opens a stream, and sends more than its window on it when it has been refused.
;; answer: fault window
(func $attack (param $stream i32)
  (call $open (i32.const 2) (local.get $stream) (i32.const 64) (i32.const 1))
  (call $data (i32.const 2) (i32.const 0) (i32.const 0x8001)))
