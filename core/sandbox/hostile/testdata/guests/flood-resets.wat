;; Opens streams and resets them at once, 50 each millisecond, and answers nothing.
;; answer: reset deadline
;; with: streams=100 deadline=300ms
(data (i32.const 1024) "stuck")
(global $id (mut i32) (i32.const 0))
(global $for (mut i32) (i32.const 0))
(func $flood
  (local $n i32)
  (loop $more
    (global.set $id (i32.add (global.get $id) (i32.const 2)))
    (call $ask (global.get $id) (global.get $for) (i32.const 1024) (i32.const 5))
    (call $reset (global.get $id))
    (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))
  (call $wake (i32.const 1)))
(func $attack (param $stream i32) (global.set $for (local.get $stream)) (call $flood))
(func $event (param $type i32) (param $stream i32)
  (if (i32.and (i32.eq (local.get $type) (i32.const 7)) (local.get $stream)) (then (call $reset (local.get $stream)) (global.set $for (i32.const 0))))
  (if (i32.and (i32.eqz (local.get $type)) (i32.ne (global.get $for) (i32.const 0))) (then (call $flood))))
