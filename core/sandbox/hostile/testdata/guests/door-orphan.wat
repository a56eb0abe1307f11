;; Knocks on behalf of nobody.
;; answer: 200 2
(data (i32.const 1024) "echo")
(func $attack (param $stream i32) (global.set $asked (local.get $stream)) (call $ask (i32.const 2) (i32.const 0) (i32.const 1024) (i32.const 4)))
(func $event (param $type i32) (param $stream i32) (call $tell (local.get $type) (local.get $stream)))
