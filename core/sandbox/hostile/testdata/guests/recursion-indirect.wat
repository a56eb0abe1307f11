;; Calls itself through a table.
;; answer: fault stack
(type $t (func (param i32)))
(table 1 funcref)
(elem (i32.const 0) $attack)
(func $attack (param $stream i32) (call_indirect (type $t) (local.get $stream) (i32.const 0)))
