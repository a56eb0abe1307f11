;; Fills 4 GiB: the bounds are checked for the whole first.
;; answer: fault trap
(func $attack (param $stream i32) (memory.fill (i32.const 1) (i32.const 7) (i32.const -1)))
