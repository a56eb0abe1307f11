;; Takes all that it may have, writes to every page of it, and answers. Its memory must come back when it ends.
;; answer: 200 1024
(func $attack (param $stream i32)
  (drop (memory.grow (i32.sub (i32.const 1024) (memory.size))))
  (memory.fill (i32.const 0x240000) (i32.const 7) (i32.sub (i32.mul (memory.size) (i32.const 0x10000)) (i32.const 0x240000)))
  (call $digits (local.get $stream) (memory.size)))
