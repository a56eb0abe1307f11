;; 2 MiB of frames at once, each of them a good one.
;; answer: fault wire
(global $stream (mut i32) (i32.const 0))
(func $attack (param $stream i32)
  (drop (memory.grow (i32.const 40)))
  (loop $more
    (i32.store (call $frame (i32.const 77) (local.get $stream) (i32.const 0xfff4)) (i32.const 0))
    (br_if $more (i32.lt_u (global.get $out) (i32.const 0x330000)))))
