;; Splices a stream that never was into its answer.
;; answer: fault wire
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (i32.store (call $frame (i32.const 9) (local.get $stream) (i32.const 4)) (i32.const 4242)))
