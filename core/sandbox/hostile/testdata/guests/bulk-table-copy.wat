;; Copies 64 Ki entries of a table over themselves in a loop.
;; answer: fault time
(table $t 65537 funcref)
(func $attack (param $stream i32)
  (loop $again (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 65536)) (br $again)))
