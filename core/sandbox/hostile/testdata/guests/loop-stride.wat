;; Touches each cache line of 32 MiB, a page apart, so that every step misses.
;; answer: fault time
(func $attack (param $stream i32)
  (local $at i32)
  (drop (memory.grow (i32.const 512)))
  (loop $again
    (i32.store (i32.add (i32.const 0x240000) (local.get $at)) (i32.const 1))
    (local.set $at (i32.and (i32.add (local.get $at) (i32.const 4160)) (i32.const 0x1ffffc0)))
    (br $again)))
