;; Writes where zeros belong.
;; answer: fault wire
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (i32.store8 offset=6 (i32.const 0x120000) (i32.const 1)))
