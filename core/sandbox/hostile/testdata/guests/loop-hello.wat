;; Loops when it is told HELLO.
;; answer: fault time
(func $hello (loop $again (br $again)))
