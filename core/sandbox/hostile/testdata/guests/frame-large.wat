;; A frame of a byte more than a payload may have.
;; answer: fault wire
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (call $data (local.get $stream) (i32.const 0) (i32.const 0x10001)))
