;; Answers neither its request nor the RESET that ends it.
;; answer: reset deadline
;; with: deadline=300ms
(func $attack (param $stream i32))
(func $event (param $type i32) (param $stream i32))
