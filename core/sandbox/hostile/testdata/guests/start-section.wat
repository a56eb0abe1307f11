;; Runs before anybody watches it.
;; answer: refused start section
(start $loop)
(func $loop (loop $again (br $again)))
(func $attack (param $stream i32))
