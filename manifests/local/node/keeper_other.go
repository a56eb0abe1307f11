//go:build !linux

// There is no real node elsewhere than on Linux.
package node

import (
	"errors"

	"github.com/atoll-platform/atoll/manifests/local/place"
)

// Cover fails: Prepare has said so before.
func Cover(place.Dir) error { return errors.New("a real node needs Linux") }
