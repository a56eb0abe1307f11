;; Is a program, which would run once and as long as it likes.
;; answer: refused _start
(func (export "_start") (loop $again (br $again)))
(func $attack (param $stream i32))
