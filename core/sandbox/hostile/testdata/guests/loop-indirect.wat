;; Calls an empty function through a table, again and again.
;; answer: fault time
(type $nothing (func))
(table 1 funcref)
(elem (i32.const 0) $empty)
(func $empty)
(func $attack (param $stream i32) (loop $again (call_indirect (type $nothing) (i32.const 0)) (br $again)))
