// Package fragment checks what a guest says that it wants to show, before a
// browser sees it: size, the closed catalogue of sdk/fragment, where data may
// come from and where links may lead. What passes is written anew in the
// person's language, with a mark on what this person may not do.
//
// What belongs here: the rules of fragments and contributions. What does not:
// the catalogue itself (sdk/fragment), drawing (console), and where a fragment
// comes from (extension).
package fragment
