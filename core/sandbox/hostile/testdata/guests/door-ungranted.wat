;; Knocks on a door that it was not given: denied is 2.
;; answer: 200 2
;; with: short
(data (i32.const 1024) "kubernetes")
(func $attack (param $stream i32) (global.set $asked (local.get $stream)) (call $ask (i32.const 2) (local.get $stream) (i32.const 1024) (i32.const 10)))
(func $event (param $type i32) (param $stream i32) (call $tell (local.get $type) (local.get $stream)))
