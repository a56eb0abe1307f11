;; Resets 10,000 streams that are long gone, and so has the host answer each of them.
;; answer: 200 1
(global $id (mut i32) (i32.const 0))
(func $attack (param $stream i32)
  (local $n i32)
  (call $ask (i32.const 20000) (local.get $stream) (i32.const 64) (i32.const 1))
  (call $reset (i32.const 20000))
  (loop $more
    (call $reset (local.tee $n (i32.add (local.get $n) (i32.const 2))))
    (br_if $more (i32.lt_u (local.get $n) (i32.const 19990))))
  (call $digits (local.get $stream) (i32.const 1)))
(func $event (param $type i32) (param $stream i32))
