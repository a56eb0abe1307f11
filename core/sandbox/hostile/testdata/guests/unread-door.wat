;; Opens 50 streams to a door that answers without end, and reads none of them.
;; answer: reset deadline
;; with: deadline=300ms short
(data (i32.const 1024) "endless")
(func $attack (param $stream i32)
  (local $n i32)
  (loop $more
    (call $ask (local.tee $n (i32.add (local.get $n) (i32.const 2))) (local.get $stream) (i32.const 1024) (i32.const 7))
    (br_if $more (i32.lt_u (local.get $n) (i32.const 100)))))
