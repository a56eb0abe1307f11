;; Says 20,000 lines at once.
;; answer: 200 1
;; log: lines of an extension were dropped
;; with: short
(func $attack (param $stream i32)
  (local $n i32)
  (loop $more
    (i64.store (call $frame (i32.const 11) (i32.const 0) (i32.const 12)) (i64.const 0x0000000400000041))
    (i32.store (i32.sub (global.get $out) (i32.const 4)) (i32.const 0x79656568))
    (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))
  (call $digits (local.get $stream) (i32.const 1)))
