;; Looks for a clock that runs back, from request to request, and counts the times.
;; answer: 200 0
;; with: asks=20
(func $attack (param $stream i32)
  (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 512)))
  (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 520)))
  (call $digits (local.get $stream) (i32.add
    (i64.lt_u (i64.load (i32.const 512)) (i64.load (i32.const 528)))
    (i64.lt_u (i64.load (i32.const 520)) (i64.load (i32.const 536)))))
  (memory.copy (i32.const 528) (i32.const 512) (i32.const 16)))
(func $initialize
  (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 528)))
  (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 536))))
