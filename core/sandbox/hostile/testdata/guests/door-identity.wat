;; Says that it knocks for another user, in another workspace. It is heard as who asked it: the door answers, and knows nobody else.
;; answer: 200 0
(data (i32.const 1024)
  "\02\00\00\00\04\00\00\00echo" "\10\00\00\00\04\00\00\00root" "\11\00\00\00\01\00\00\000" "\12\00\00\00\05\00\00\00admin" "\13\00\00\00\06\00\00\00theirs" "\14\00\00\00\06\00\00\00theirs"
  "\20\00\00\00\04\00\00\00")
(func $attack (param $stream i32)
  (global.set $asked (local.get $stream))
  (memory.copy (call $frame (i32.const 2) (i32.const 2) (i32.const 86)) (i32.const 1024) (i32.const 82))
  (i32.store (i32.sub (global.get $out) (i32.const 4)) (local.get $stream))
  (call $end (i32.const 2)))
(func $event (param $type i32) (param $stream i32) (call $tell (local.get $type) (local.get $stream)))
