;; Keeps everything that it is sent, and looks for something in all of its memory: for the target, whose bytes are masked with 1 so that it does not find itself.
;; answer: 200 0
(global $hoard (mut i32) (i32.const 0x240000))
(global $found (mut i32) (i32.const 0))
(func $attack (param $stream i32)
  (call $target)
  (if (i32.eq (i32.load8_u (global.get $target_at)) (i32.const 33)) (then unreachable)) ;; "!": it traps
  (global.set $found (call $count)))
(func $event (param $type i32) (param $stream i32)
  (if (i32.eq (local.get $type) (i32.const 5)) (then (call $digits (local.get $stream) (global.get $found))))
  (if (i32.eq (local.get $type) (i32.const 7)) (then (call $reset (local.get $stream)))))
;; Keeps what lies in the buffer.
(func $frames (result i64)
  (local $len i32)
  (local.set $len (i32.sub (global.get $in) (i32.const 0x20000)))
  (drop (memory.grow (i32.shr_u (i32.add (local.get $len) (i32.const 0xffff)) (i32.const 16))))
  (memory.copy (global.get $hoard) (i32.const 0x20000) (local.get $len))
  (global.set $hoard (i32.add (global.get $hoard) (local.get $len)))
  (call $written))
(func $count (result i32)
  (local $at i32) (local $last i32) (local $n i32) (local $found i32)
  (if (i32.eqz (global.get $target_len)) (then (return (i32.const 0))))
  (local.set $last (i32.sub (i32.mul (memory.size) (i32.const 0x10000)) (global.get $target_len)))
  (loop $next
    (local.set $n (i32.const 0))
    (block $differs
      (loop $same
        (br_if $differs (i32.ne
          (i32.load8_u (i32.add (local.get $at) (local.get $n)))
          (i32.xor (i32.const 1) (i32.load8_u (i32.add (global.get $target_at) (local.get $n))))))
        (br_if $same (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (global.get $target_len))))
      (local.set $found (i32.add (local.get $found) (i32.const 1))))
    (br_if $next (i32.le_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $last))))
  (local.get $found))
