;; Grows its table one by one without end.
;; answer: fault time
(table $t 1 funcref)
(func $attack (param $stream i32) (loop $again (drop (table.grow $t (ref.null func) (i32.const 1))) (br $again)))
