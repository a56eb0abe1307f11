;; Knocks, at its second request, on behalf of the first, which has ended: cancelled is 1.
;; answer: 200 1
;; with: asks=2
(data (i32.const 1024) "echo")
(func $attack (param $stream i32)
  (if (i32.eq (local.get $stream) (i32.const 1)) (then (call $digits (local.get $stream) (i32.const 1)) (return)))
  (global.set $asked (local.get $stream))
  (call $ask (i32.const 2) (i32.const 1) (i32.const 1024) (i32.const 4)))
(func $event (param $type i32) (param $stream i32) (call $tell (local.get $type) (local.get $stream)))
