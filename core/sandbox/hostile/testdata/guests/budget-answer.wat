;; Answers without end, as fast as it is read.
;; answer: budget responseSize
;; with: response=1MiB cpu=2s
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (call $data (local.get $stream) (i32.const 0) (i32.const 0x8000)))
(func $event (param $type i32) (param $stream i32)
  (if (i32.eq (local.get $type) (i32.const 7)) (then (call $reset (local.get $stream))))
  (if (i32.and (i32.eq (local.get $type) (i32.const 8)) (i32.ne (local.get $stream) (i32.const 0)))
    (then (call $data (local.get $stream) (i32.const 0) (i32.load offset=12 (global.get $in))))))
