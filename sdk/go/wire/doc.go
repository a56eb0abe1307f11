// Package wire is the codec of the wire between an Atoll guest and its host
// (ABI v1): frames that carry streams, and flat lists of fields inside them.
//
// The core's sandbox and every Go guest use this one package. It has no
// dependencies, allocates only where a caller asks it to, and its decoders give
// views into the bytes that they were handed: whoever keeps a view longer than
// the bytes copies it first. Nothing here is safe for concurrent use, since
// nothing here has state.
//
// The specification, with what each side must do when, is sdk/wire/README.md.
package wire
