;; Calls an entry of its table that is empty.
;; answer: fault trap
(type $t (func))
(table 1 funcref)
(func $attack (param $stream i32) (call_indirect (type $t) (i32.const 0)))
