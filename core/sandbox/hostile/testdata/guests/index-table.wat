;; Calls through a table that it does not have.
;; answer: refused there is no table 0
(type $t (func))
(func $attack (param $stream i32) (call_indirect (type $t) (i32.const 0)))
