;; Waits in a loop for a minute to pass; but in a poll time stands still.
;; answer: fault time
(func $attack (param $stream i32)
  (local $until i64)
  (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 512)))
  (local.set $until (i64.add (i64.load (i32.const 512)) (i64.const 60000000000)))
  (loop $again
    (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 512)))
    (br_if $again (i64.lt_u (i64.load (i32.const 512)) (local.get $until)))))
