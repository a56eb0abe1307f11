;; Goes round by the targets of a br_table.
;; answer: fault time
(func $attack (param $stream i32)
  (local $n i32)
  (loop $a (loop $b (loop $c
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_table $a $b $c $a $b $c $a (i32.and (local.get $n) (i32.const 7)))))))
