;; Gives the host nothing, ten thousand times.
;; answer: fault wire
(func $attack (param $stream i32)
  (local $n i32)
  (loop $more
    (i32.store (call $frame (i32.const 8) (i32.const 0) (i32.const 4)) (i32.const 0))
    (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000)))))
