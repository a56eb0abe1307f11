;; Divides vectors, again and again.
;; answer: fault time
(func $attack (param $stream i32)
  (local $v v128)
  (loop $again (local.set $v (f64x2.sqrt (f64x2.div (local.get $v) (f64x2.splat (f64.const 3))))) (br $again)))
