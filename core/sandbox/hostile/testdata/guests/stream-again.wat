;; Opens one stream twice.
;; answer: fault wire
(func $attack (param $stream i32)
  (call $ask (i32.const 2) (local.get $stream) (i32.const 64) (i32.const 1))
  (call $ask (i32.const 2) (local.get $stream) (i32.const 64) (i32.const 1)))
