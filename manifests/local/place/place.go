// Package place says where everything of one local cluster lies: all of it
// under one folder, so that removing the folder of a stopped cluster leaves
// nothing behind.
package place

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// Dir is the absolute path of a cluster's folder.
type Dir string

// New returns the folder as an absolute path without links, and makes it.
func New(name string) (Dir, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", fmt.Errorf("finding the cluster's folder: %w", err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return "", fmt.Errorf("making the cluster's folder: %w", err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("finding the cluster's folder: %w", err)
	}
	d := Dir(real)
	// Keys, tokens of pods and the store's data are for their owner alone.
	for _, private := range []string{d.PKI(), d.Run(), d.Config(), d.Join("etcd"), d.Node()} {
		if err := os.MkdirAll(private, 0o700); err != nil {
			return "", fmt.Errorf("making the cluster's folder: %w", err)
		}
	}
	for _, open := range []string{d.Bin(), d.Logs(), d.Images()} {
		if err := os.MkdirAll(open, 0o755); err != nil {
			return "", fmt.Errorf("making the cluster's folder: %w", err)
		}
	}
	return d, nil
}

// Join names a file or folder below the cluster's folder.
func (d Dir) Join(name ...string) string {
	return filepath.Join(append([]string{string(d)}, name...)...)
}

// Bin holds the compiled programs.
func (d Dir) Bin(name ...string) string { return d.Join(append([]string{"bin"}, name...)...) }

// PKI holds keys and certificates.
func (d Dir) PKI(name ...string) string { return d.Join(append([]string{"pki"}, name...)...) }

// Run holds process ids, chosen ports and what has been changed outside the folder.
func (d Dir) Run(name ...string) string { return d.Join(append([]string{"run"}, name...)...) }

// Config holds the configuration files of the parts; all are written anew at each start.
func (d Dir) Config(name ...string) string { return d.Join(append([]string{"config"}, name...)...) }

// Logs holds one log per part, and the audit log.
func (d Dir) Logs(name ...string) string { return d.Join(append([]string{"logs"}, name...)...) }

// Images holds the packed container images.
func (d Dir) Images(name ...string) string { return d.Join(append([]string{"images"}, name...)...) }

// Node holds the state of the real node: images, containers, volumes' mounts.
func (d Dir) Node(name ...string) string { return d.Join(append([]string{"node"}, name...)...) }

// Volumes holds the data of persistent volumes.
func (d Dir) Volumes() string { return d.Join("volumes") }

// Kubeconfig is the administrator's kubeconfig.
func (d Dir) Kubeconfig() string { return d.Join("kubeconfig") }

// StatusFile is what others read to see how the cluster is doing.
func (d Dir) StatusFile() string { return d.Join("status.json") }

// ID is a short name that differs from checkout to checkout: the bridge, the
// control group and the like carry it.
func (d Dir) ID() string {
	sum := sha256.Sum256([]byte(d))
	return hex.EncodeToString(sum[:3])
}

// Seed is a number that differs from checkout to checkout: where the search for
// free ports and networks begins, so that they stay the same as far as possible.
func (d Dir) Seed() int {
	sum := sha256.Sum256([]byte(d))
	return int(sum[0])<<16 | int(sum[1])<<8 | int(sum[2])
}
