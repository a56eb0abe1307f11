;; Exports a global under a name that is the host's.
;; answer: refused the host's
(export "\00atoll.fuel" (global $in))
