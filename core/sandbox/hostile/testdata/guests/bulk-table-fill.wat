;; Fills 64 Ki entries of a table in a loop.
;; answer: fault time
;; with: short
(table $t 65536 funcref)
(func $attack (param $stream i32)
  (loop $again (table.fill $t (i32.const 0) (ref.null func) (i32.const 65536)) (br $again)))
