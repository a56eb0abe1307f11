;; Calls with a type that only the host's rewriting would add.
;; answer: refused there is no type 1000
(table 1 funcref)
(func $attack (param $stream i32) (call_indirect (type 1000) (i32.const 0)))
