// Package fragment is the catalogue of user interface that extensions may show:
// types to write fragments with, and the JSON Schema that the core checks them
// by. The types only write JSON; whoever reads fragments works on plain JSON.
package fragment

import _ "embed"

// Schema is the JSON Schema (2020-12) of the catalogue, the source of every
// other form of it. Callers must not change it.
//
//go:embed schema.json
var Schema []byte
