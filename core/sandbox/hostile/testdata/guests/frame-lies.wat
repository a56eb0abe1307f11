;; A frame whose length says more than there is.
;; answer: fault wire
;; with: short
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (call $end (local.get $stream))
  (i32.store (i32.sub (global.get $out) (i32.const 12)) (i32.const 1000)))
