// Package operation is the room of long work: progress that survives a page
// change, cancelling, and being taken up again after a restart.
//
// It is empty so far: nothing that Atoll does takes long enough yet. What
// belongs here: the record of an operation, its steps and its progress, and who
// may see it. What does not: the work itself, which stays in its own room.
package operation
