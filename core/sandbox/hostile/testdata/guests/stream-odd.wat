;; Opens a stream with one of the host's numbers.
;; answer: fault wire
(func $attack (param $stream i32) (call $ask (i32.add (local.get $stream) (i32.const 100)) (local.get $stream) (i32.const 64) (i32.const 1)))
