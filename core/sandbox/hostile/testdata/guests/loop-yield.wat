;; Does nothing but call the host.
;; answer: fault time
(func $attack (param $stream i32) (loop $again (drop (call $sched_yield)) (br $again)))
