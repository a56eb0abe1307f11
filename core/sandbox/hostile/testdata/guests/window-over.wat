;; Sends a byte more than the stream's window.
;; answer: fault window
;; with: short
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (call $data (local.get $stream) (i32.const 0) (i32.const 0x8001)))
