// Package cluster brings a local Kubernetes up and takes it down: it builds the
// programs, starts them as daemons, waits until all is ready, and says part by
// part how it is doing.
package cluster
