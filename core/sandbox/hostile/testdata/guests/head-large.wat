;; A head of 60 KiB of fields.
;; answer: fault wire
(func $attack (param $stream i32)
  (local $p i32)
  (local.set $p (call $frame (i32.const 3) (local.get $stream) (i32.const 61440)))
  (i64.store (local.get $p) (i64.const 0x0000000200000030))
  (i32.store16 offset=8 (local.get $p) (i32.const 200))
  (i32.store16 offset=10 (local.get $p) (i32.const 999))
  (i32.store offset=14 (local.get $p) (i32.const 61422)))
