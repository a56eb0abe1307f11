// Header values as both sides name them.
package wire

// Header is one header or trailer value. Names are kept as they were sent;
// they compare without regard to case. A repeated name is a repeated Header.
type Header struct{ Name, Value string }
