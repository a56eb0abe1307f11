;; Writes what looks like lines of the host's that accuse another.
;; answer: 200 1
;; log: text="time=2026-01-01T00:00:00Z level=ERROR msg=\"an instance of an extension ended by its own fault\" extension=hello"
(data (i32.const 1024) "\08\04\00\00\75\00\00\00" "ok\0atime=2026-01-01T00:00:00Z level=ERROR msg=\22an instance of an extension ended by its own fault\22 extension=hello\0a\00\00\00")
(func $attack (param $stream i32)
  (drop (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 512)))
  (call $digits (local.get $stream) (i32.const 1)))
