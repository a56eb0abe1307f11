;; Traps in _initialize.
;; answer: fault trap
(func $initialize unreachable)
