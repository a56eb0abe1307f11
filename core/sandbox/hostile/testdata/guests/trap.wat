;; Traps.
;; answer: fault trap
(func $attack (param $stream i32) unreachable)
