;; What the guests written in WAT share: they speak the wire by hand. A guest's
;; file is put behind this, and both together make its module.
;;
;; A guest defines $attack, which is called with the stream of each request. It
;; may define, in the place of what build.mjs adds otherwise:
;;
;;   $initialize ()              what runs before everything
;;   $buffer (size) -> pointer   where the host writes frames
;;   $hello ()                   the answer to HELLO
;;   $event (type stream)        every other frame; of type 0, that time has passed
;;   $frames () -> i64           what atoll_poll answers
;;
;; Memory: 0 to 1023 is the prelude's, 1024 to 65535 the guest's data, 128 KiB on
;; the host's frames, 1,152 KiB on the frames for it, 2,304 KiB the end.

(import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
(import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
(import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))

(global $in (mut i32) (i32.const 0))         ;; the frame at hand
(global $out (mut i32) (i32.const 0x120000)) ;; the end of the frames that are written

(global $asked (mut i32) (i32.const 0))      ;; the request that $tell answers

;; HELLO: minor version 0, features 0.
(data (i32.const 64) "\1a\00\00\00\01\00\00\00\00\00\00\00" "\50\00\00\00\02\00\00\00\00\00" "\51\00\00\00\08\00\00\00\00\00\00\00\00\00\00\00")

(func (export "atoll_wire_1"))
(func (export "_initialize") (call $initialize))
(func (export "atoll_buffer") (param $size i32) (result i32) (call $buffer (local.get $size)))

(func (export "atoll_poll") (param $len i32) (result i64)
  (local $end i32) (local $type i32)
  (global.set $out (i32.const 0x120000))
  (if (i32.eqz (local.get $len)) (then (call $event (i32.const 0) (i32.const 0))))
  (global.set $in (call $buffer (local.get $len)))
  (local.set $end (i32.add (global.get $in) (local.get $len)))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (global.get $in) (local.get $end)))
      (local.set $type (i32.load8_u offset=4 (global.get $in)))
      (if (i32.eq (local.get $type) (i32.const 1)) (then (call $hello)))
      (if (i32.eq (local.get $type) (i32.const 2)) (then (call $attack (i32.load offset=8 (global.get $in)))))
      (if (i32.gt_u (local.get $type) (i32.const 2)) (then (call $event (local.get $type) (i32.load offset=8 (global.get $in)))))
      (global.set $in (i32.add (global.get $in) (i32.add (i32.const 12) (i32.load (global.get $in)))))
      (br $next)))
  (call $frames))

;; What $frames is mostly: everything that was written.
(func $written (result i64)
  (if (result i64) (i32.eq (global.get $out) (i32.const 0x120000))
    (then (i64.const 0))
    (else (i64.or (i64.const 0x12000000000000) (i64.extend_i32_u (i32.sub (global.get $out) (i32.const 0x120000)))))))

;; $say appends bytes as they are.
(func $say (param $at i32) (param $len i32)
  (memory.copy (global.get $out) (local.get $at) (local.get $len))
  (global.set $out (i32.add (global.get $out) (local.get $len))))

;; $frame begins a frame whose payload has this length, and gives where it goes.
(func $frame (param $type i32) (param $stream i32) (param $len i32) (result i32)
  (local $payload i32)
  (i32.store (global.get $out) (local.get $len))
  (i32.store offset=4 (global.get $out) (local.get $type))
  (i32.store offset=8 (global.get $out) (local.get $stream))
  (local.set $payload (i32.add (global.get $out) (i32.const 12)))
  (global.set $out (i32.add (local.get $payload) (local.get $len)))
  (local.get $payload))

;; $status says HEAD, $head with 200.
(func $status (param $stream i32) (param $code i32)
  (local $p i32)
  (local.set $p (call $frame (i32.const 3) (local.get $stream) (i32.const 10)))
  (i64.store (local.get $p) (i64.const 0x0000000200000030))
  (i32.store16 offset=8 (local.get $p) (local.get $code)))
(func $head (param $stream i32) (call $status (local.get $stream) (i32.const 200)))

(func $data (param $stream i32) (param $at i32) (param $len i32)
  (memory.copy (call $frame (i32.const 4) (local.get $stream) (local.get $len)) (local.get $at) (local.get $len)))
(func $end (param $stream i32)
  (drop (call $frame (i32.const 5) (local.get $stream) (i32.const 0))))
(func $answer (param $stream i32) (param $at i32) (param $len i32)
  (call $head (local.get $stream))
  (call $data (local.get $stream) (local.get $at) (local.get $len))
  (call $end (local.get $stream)))

;; $digits answers with a number in decimal.
(func $digits (param $stream i32) (param $n i32)
  (local $at i32)
  (local.set $at (i32.const 1000))
  (loop $next
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (br_if $next (local.tee $n (i32.div_u (local.get $n) (i32.const 10)))))
  (call $answer (local.get $stream) (local.get $at) (i32.sub (i32.const 1000) (local.get $at))))

;; $reset says RESET `cancelled`, $wake WAKE.
(func $reset (param $stream i32)
  (i32.store16 (call $frame (i32.const 7) (local.get $stream) (i32.const 2)) (i32.const 1)))
(func $wake (param $ms i32)
  (i32.store (call $frame (i32.const 10) (i32.const 0) (i32.const 4)) (local.get $ms)))

;; $open knocks on a door with GET /, on a parent's behalf; $ask says END too.
(func $open (param $id i32) (param $parent i32) (param $at i32) (param $len i32)
  (local $p i32)
  (local.set $p (call $frame (i32.const 2) (local.get $id) (i32.add (local.get $len) (i32.const 40))))
  (i64.store (local.get $p) (i64.const 0x0000000300000001))           ;; method
  (i32.store offset=8 (local.get $p) (i32.const 0x544547))            ;; GET, and one byte that is written over
  (i64.store offset=11 (local.get $p) (i64.const 0x0000000100000003)) ;; target
  (i32.store8 offset=19 (local.get $p) (i32.const 47))
  (i64.store offset=20 (local.get $p) (i64.const 0x0000000400000020)) ;; parent
  (i32.store offset=28 (local.get $p) (local.get $parent))
  (i32.store offset=32 (local.get $p) (i32.const 2))                  ;; authority
  (i32.store offset=36 (local.get $p) (local.get $len))
  (memory.copy (i32.add (local.get $p) (i32.const 40)) (local.get $at) (local.get $len)))
(func $ask (param $id i32) (param $parent i32) (param $at i32) (param $len i32)
  (call $open (local.get $id) (local.get $parent) (local.get $at) (local.get $len))
  (call $end (local.get $id)))

;; $tell is an $event that answers $asked with what became of a child: the code
;; of its RESET, or 0 when the door answered it.
(func $tell (param $type i32) (param $stream i32)
  (if (i32.eq (local.get $type) (i32.const 7)) (then (call $reset (local.get $stream))))
  (if (i32.or (i32.and (local.get $stream) (i32.const 1)) (i32.eqz (global.get $asked))) (then (return)))
  (if (i32.eq (local.get $type) (i32.const 7)) (then (call $digits (global.get $asked) (i32.load16_u offset=12 (global.get $in)))))
  (if (i32.eq (local.get $type) (i32.const 3)) (then (call $digits (global.get $asked) (i32.const 0))))
  (if (i32.or (i32.eq (local.get $type) (i32.const 7)) (i32.eq (local.get $type) (i32.const 3))) (then (global.set $asked (i32.const 0)))))

;; $target finds what follows the first character of a request's target, in the
;; OPEN at hand, and leaves it in $target_at and $target_len.
(global $target_at (mut i32) (i32.const 0))
(global $target_len (mut i32) (i32.const 0))
(func $target
  (local $at i32) (local $end i32)
  (local.set $at (i32.add (global.get $in) (i32.const 12)))
  (local.set $end (i32.add (local.get $at) (i32.load (global.get $in))))
  (loop $next
    (if (i32.eq (i32.load16_u (local.get $at)) (i32.const 3)) (then
      (global.set $target_at (i32.add (local.get $at) (i32.const 9)))
      (global.set $target_len (i32.sub (i32.load offset=4 (local.get $at)) (i32.const 1)))
      (return)))
    (local.set $at (i32.add (local.get $at) (i32.add (i32.const 8) (i32.load offset=4 (local.get $at)))))
    (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))
