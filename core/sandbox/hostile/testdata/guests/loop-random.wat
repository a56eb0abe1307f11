;; Lets the host draw a megabyte of random bytes, again and again.
;; answer: fault time
(func $attack (param $stream i32)
  (loop $again (drop (call $random_get (i32.const 0x120000) (i32.const 0x100000))) (br $again)))
