;; Tells the host to drain.
;; answer: fault wire
(func $attack (param $stream i32) (drop (call $frame (i32.const 12) (i32.const 0) (i32.const 0))))
