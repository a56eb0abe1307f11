;; Reads a local that only the host's rewriting would add.
;; answer: refused there is no local 1
(func $attack (param $stream i32) (drop (local.get 1)))
