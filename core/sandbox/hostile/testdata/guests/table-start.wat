;; Begins with ten million entries of a table.
;; answer: refused entries
(table 10000000 funcref)
