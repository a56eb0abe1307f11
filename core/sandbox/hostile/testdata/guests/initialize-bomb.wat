;; A bomb that _initialize sets: ten requests are answered, and then it goes round without end.
;; answer: 200 1
;; then: fault time
;; with: asks=10
(global $left (mut i32) (i32.const 0))
(func $initialize (global.set $left (i32.const 10)))
(func $attack (param $stream i32)
  (call $digits (local.get $stream) (i32.const 1))
  (global.set $left (i32.sub (global.get $left) (i32.const 1)))
  (if (i32.eqz (global.get $left)) (then (call $wake (i32.const 1)))))
(func $event (param $type i32) (param $stream i32)
  (loop $again (br_if $again (i32.eqz (i32.or (global.get $left) (local.get $type))))))
