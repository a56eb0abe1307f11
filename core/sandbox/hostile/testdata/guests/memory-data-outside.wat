;; Its data do not lie in its memory.
;; answer: refused
(data (i32.const 0xfffffff0) "outside of everything")
