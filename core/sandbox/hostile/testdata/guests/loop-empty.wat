;; Loops with nothing in the loop.
;; answer: fault time
;; with: short
(func $attack (param $stream i32) (loop $again (br $again)))
