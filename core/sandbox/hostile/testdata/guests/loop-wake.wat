;; Answers well, asks to be woken, and then loops, when no request is there to blame.
;; answer: 200 1
;; then: fault time
(func $attack (param $stream i32) (call $digits (local.get $stream) (i32.const 1)) (call $wake (i32.const 1)))
(func $event (param $type i32) (param $stream i32) (if (i32.eqz (local.get $type)) (then (loop $again (br $again)))))
