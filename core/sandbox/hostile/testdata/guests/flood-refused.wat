;; Knocks without a parent again and again, each millisecond, and is refused each time.
;; answer: reset deadline
;; with: deadline=300ms
(global $id (mut i32) (i32.const 0))
(global $on (mut i32) (i32.const 0))
(func $attack (param $stream i32) (global.set $on (i32.const 1)) (call $wake (i32.const 1)))
(func $event (param $type i32) (param $stream i32)
  (if (i32.eq (local.get $type) (i32.const 7)) (then
    (call $reset (local.get $stream))
    (if (i32.and (local.get $stream) (i32.const 1)) (then (global.set $on (i32.const 0))))))
  (if (i32.and (i32.eqz (local.get $type)) (global.get $on)) (then
    (global.set $id (i32.add (global.get $id) (i32.const 2)))
    (call $ask (global.get $id) (i32.const 0) (i32.const 64) (i32.const 1))
    (call $wake (i32.const 1)))))
