;; Grows its memory by nothing, again and again.
;; answer: fault time
(func $attack (param $stream i32) (loop $again (drop (memory.grow (i32.const 0))) (br $again)))
