;; Calls itself twice, sixty deep: never deep, and it never ends.
;; answer: fault time
(func $tree (param $deep i32)
  (if (local.get $deep) (then
    (call $tree (i32.sub (local.get $deep) (i32.const 1)))
    (call $tree (i32.sub (local.get $deep) (i32.const 1))))))
(func $attack (param $stream i32) (call $tree (i32.const 60)))
