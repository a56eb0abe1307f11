;; Answers with the status 999.
;; answer: reset internal
(func $attack (param $stream i32) (call $status (local.get $stream) (i32.const 999)) (call $end (local.get $stream)))
