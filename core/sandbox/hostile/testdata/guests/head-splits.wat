;; A header that would break out of its line and set a cookie.
;; answer: reset internal
(data (i32.const 1024) "X\00a\0d\0aSet-Cookie: session=stolen")
(func $attack (param $stream i32)
  (local $p i32)
  (local.set $p (call $frame (i32.const 3) (local.get $stream) (i32.const 50)))
  (i64.store (local.get $p) (i64.const 0x0000000200000030))
  (i32.store16 offset=8 (local.get $p) (i32.const 200))
  (i64.store offset=10 (local.get $p) (i64.const 0x0000002000000004))
  (memory.copy (i32.add (local.get $p) (i32.const 18)) (i32.const 1024) (i32.const 32))
  (call $end (local.get $stream)))
