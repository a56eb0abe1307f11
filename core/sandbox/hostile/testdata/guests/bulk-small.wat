;; Fills a few bytes at a time, again and again: many small ones are as much work as one large.
;; answer: fault time
(func $attack (param $stream i32)
  (loop $again (memory.fill (i32.const 0x120000) (i32.const 7) (i32.const 4000)) (br $again)))
