// Package extension knows what an extension is: its manifest and package, what
// it asks for and who agreed, which are installed, and which routes, menu
// entries, pages and fragments they bring.
//
// What belongs here: manifest, package, review and consent, life cycle,
// contributions, and carrying a request to the guest that answers it. What does
// not: running code (sandbox), what a guest may reach (capability), what a
// fragment may hold (fragment), who somebody is (identity).
package extension
