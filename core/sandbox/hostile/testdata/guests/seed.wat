;; Draws numbers in _initialize, which all copies share, and for each request, which nobody may share. Says whether it drew new ones, or with a target what it drew.
;; answer: 200 1
;; with: asks=5
(func $initialize (drop (call $random_get (i32.const 512) (i32.const 32))))
(func $attack (param $stream i32)
  (drop (call $random_get (i32.const 544) (i32.const 32)))
  (call $target)
  (if (global.get $target_len)
    (then (call $answer (local.get $stream) (i32.const 512) (i32.const 64)))
    (else (call $digits (local.get $stream) (i64.ne (i64.load (i32.const 512)) (i64.load (i32.const 544))))))
  (memory.copy (i32.const 512) (i32.const 544) (i32.const 32)))
