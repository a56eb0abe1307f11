;; Does not answer HELLO.
;; answer: fault start
(func $hello)
