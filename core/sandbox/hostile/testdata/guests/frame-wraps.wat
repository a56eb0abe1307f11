;; A frame whose length would wrap around when its head is added to it.
;; answer: fault wire
(func $attack (param $stream i32)
  (call $end (local.get $stream))
  (i32.store (i32.sub (global.get $out) (i32.const 12)) (i32.const 0xfffffff8)))
