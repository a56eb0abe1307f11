;; A field that who does not know it must refuse.
;; answer: reset unsupported
(func $attack (param $stream i32)
  (local $p i32)
  (local.set $p (call $frame (i32.const 3) (local.get $stream) (i32.const 18)))
  (i64.store (local.get $p) (i64.const 0x0000000200000030))
  (i32.store16 offset=8 (local.get $p) (i32.const 200))
  (i64.store offset=10 (local.get $p) (i64.const 0x00000000800003e7)))
