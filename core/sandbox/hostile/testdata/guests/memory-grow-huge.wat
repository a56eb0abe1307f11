;; Asks for 4 GiB at once, and does not mind that it gets nothing.
;; answer: fault memory
(func $attack (param $stream i32) (drop (memory.grow (i32.const 65000))) (call $digits (local.get $stream) (i32.const 1)))
