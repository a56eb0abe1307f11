;; Reads behind its memory.
;; answer: fault trap
(func $attack (param $stream i32) (drop (i32.load offset=0xfffffff0 (i32.const 0x7fffffff))))
