;; Uses features that the host does not have.
;; answer: fault start
(func $hello
  (call $say (i32.const 64) (i32.const 38))
  (i32.store8 (i32.sub (global.get $out) (i32.const 1)) (i32.const 128)))
