;; Opens 9,000 streams at once.
;; answer: fault wire
;; with: streams=100
(data (i32.const 1024) "stuck")
(func $attack (param $stream i32)
  (local $n i32)
  (loop $more
    (call $ask (local.tee $n (i32.add (local.get $n) (i32.const 2))) (local.get $stream) (i32.const 1024) (i32.const 5))
    (br_if $more (i32.lt_u (local.get $n) (i32.const 18000)))))
