;; Grows page by page, and goes on when it is refused.
;; answer: fault memory
;; with: short
(func $attack (param $stream i32)
  (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (call $digits (local.get $stream) (i32.const 1)))
