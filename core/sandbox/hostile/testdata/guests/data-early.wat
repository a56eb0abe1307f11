;; A body before its head.
;; answer: fault wire
(func $attack (param $stream i32) (call $data (local.get $stream) (i32.const 64) (i32.const 1)))
