;; Calls a function that only the host's rewriting would add.
;; answer: refused there is no function 
(func $attack (param $stream i32) (call 1000))
