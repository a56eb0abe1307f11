;; Grows its table by 100 million entries at once: 926 MiB, where nobody counts. It gets none of them.
;; answer: 200 1
(table $t 1 funcref)
(func $attack (param $stream i32)
  (call $digits (local.get $stream) (i32.eq (table.grow $t (ref.null func) (i32.const 100000000)) (i32.const -1))))
