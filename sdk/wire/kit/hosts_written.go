// The written cases for hosts.
package kit

var hostCases = []hostCase{}
