;; Calls itself without end in _initialize.
;; answer: fault stack
(func $initialize (call $initialize))
