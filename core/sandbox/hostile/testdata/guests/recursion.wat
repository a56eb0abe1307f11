;; Calls itself without end.
;; answer: fault stack
(func $attack (param $stream i32) (call $attack (local.get $stream)))
