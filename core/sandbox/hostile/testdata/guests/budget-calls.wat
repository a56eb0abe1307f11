;; Knocks 1,900 times at once where 100 a second are allowed, and says whether it was told to be slower: rate_limited is 7.
;; answer: 200 1
;; with: calls=100
(data (i32.const 1024) "echo")
(global $seen (mut i32) (i32.const 0))
(global $slower (mut i32) (i32.const 0))
(func $attack (param $stream i32)
  (local $n i32)
  (global.set $asked (local.get $stream))
  (loop $more
    (call $ask (local.tee $n (i32.add (local.get $n) (i32.const 2))) (local.get $stream) (i32.const 1024) (i32.const 4))
    (br_if $more (i32.lt_u (local.get $n) (i32.const 3800)))))
(func $event (param $type i32) (param $stream i32)
  (if (i32.eq (local.get $type) (i32.const 7)) (then
    (call $reset (local.get $stream))
    (if (i32.eq (i32.load16_u offset=12 (global.get $in)) (i32.const 7)) (then (global.set $slower (i32.const 1))))))
  (if (i32.or (i32.eq (local.get $type) (i32.const 7)) (i32.eq (local.get $type) (i32.const 3))) (then
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (if (i32.eq (global.get $seen) (i32.const 1900)) (then (call $digits (global.get $asked) (global.get $slower)))))))
