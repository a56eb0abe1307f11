;; Goes round by exceptions.
;; answer: refused
(tag $t)
(func $attack (param $stream i32) (throw $t))
