;; Writes on after it has reset the stream.
;; answer: reset cancelled
;; then: fault wire
(func $attack (param $stream i32)
  (call $reset (local.get $stream))
  (call $data (local.get $stream) (i32.const 64) (i32.const 1)))
