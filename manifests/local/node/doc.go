// Package node is the real node: containerd, its containers, the kubelet, and
// all that they need of the machine. What it changes outside the cluster's
// folder (a bridge, firewall rules, control groups, kernel settings, mount
// points) it writes down first and takes back when the cluster stops.
//
// Containerd, kubelet and kube-proxy see mounts of their own, held by one
// keeper process: the usual folders below /run and /var lie in the cluster's
// folder for them, and every mount is gone when the last of them has ended.
package node
