;; Waits for a door that waits for the request to end.
;; answer: reset deadline
;; with: deadline=300ms
(data (i32.const 1024) "stuck")
(func $attack (param $stream i32) (call $ask (i32.const 2) (local.get $stream) (i32.const 1024) (i32.const 5)))
