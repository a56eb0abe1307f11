;; A head whose fields are cut short.
;; answer: fault wire
(func $attack (param $stream i32)
  (call $head (local.get $stream))
  (i32.store8 (i32.const 0x120010) (i32.const 0xff)))
