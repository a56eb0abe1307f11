;; Half a frame.
;; answer: fault wire
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (global.set $out (i32.sub (global.get $out) (i32.const 5))))
