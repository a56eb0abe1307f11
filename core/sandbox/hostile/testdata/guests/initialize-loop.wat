;; Loops in _initialize, before anybody has asked it anything.
;; answer: fault time
(func $initialize (loop $again (br $again)))
