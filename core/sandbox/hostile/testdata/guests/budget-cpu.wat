;; Computes a little in each poll and wants to be woken at once, so that no poll is long: its request is stopped, and it goes on.
;; answer: budget cpuPerRequest
;; then: fault time
(func $attack (param $stream i32) (call $burn))
(func $event (param $type i32) (param $stream i32)
  (if (i32.eq (local.get $type) (i32.const 7)) (then (call $burn) (return)))
  (if (i32.eqz (local.get $type)) (then (call $burn))))
(func $burn
  (local $n i32)
  (loop $more (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5000000))))
  (call $wake (i32.const 1)))
