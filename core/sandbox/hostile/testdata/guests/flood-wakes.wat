;; Wants to be woken each millisecond, and never answers.
;; answer: reset deadline
;; with: deadline=300ms
(func $attack (param $stream i32) (call $wake (i32.const 1)))
(func $event (param $type i32) (param $stream i32)
  (if (i32.eq (local.get $type) (i32.const 7)) (then (call $reset (local.get $stream))))
  (if (i32.eqz (local.get $type)) (then (call $wake (i32.const 1)))))
