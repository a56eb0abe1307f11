;; Answers a request that nobody has made.
;; answer: fault wire
(func $attack (param $stream i32) (call $head (i32.add (local.get $stream) (i32.const 2))))
