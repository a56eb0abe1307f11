;; Says twice that all is said.
;; answer: 200 A
;; then: fault wire
(data (i32.const 1024) "A")
(func $attack (param $stream i32)
  (call $answer (local.get $stream) (i32.const 1024) (i32.const 1))
  (call $end (local.get $stream)))
