;; Answers the head twice.
;; answer: fault wire
(func $attack (param $stream i32) (call $head (local.get $stream)) (call $head (local.get $stream)))
