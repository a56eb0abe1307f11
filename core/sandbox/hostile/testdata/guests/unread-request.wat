;; Never reads the request's body, and never answers.
;; answer: reset deadline
;; with: deadline=300ms body=8MiB
(func $attack (param $stream i32))
