;; Goes round by tail calls, which are no loop and no recursion.
;; answer: refused
(func $attack (param $stream i32) (return_call $attack (local.get $stream)))
