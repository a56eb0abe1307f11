;; Ends its program.
;; answer: fault trap
(func $attack (param $stream i32) (call $proc_exit (i32.const 0)))
