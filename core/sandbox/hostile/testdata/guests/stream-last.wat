;; Opens a stream with a number beyond the last.
;; answer: fault wire
(func $attack (param $stream i32) (call $ask (i32.const 0x7ffffffe) (local.get $stream) (i32.const 64) (i32.const 1)))
