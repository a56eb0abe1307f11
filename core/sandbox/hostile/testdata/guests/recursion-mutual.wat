;; Two functions that call each other.
;; answer: fault stack
(func $other (param i32) (call $attack (local.get 0)))
(func $attack (param $stream i32) (call $other (local.get $stream)))
