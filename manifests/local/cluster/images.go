// The images of the cluster's own pods and of the demo: packed from what was
// built here, and loaded when the node does not have them yet.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/atoll-platform/atoll/manifests/local/image"
	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/process"
)

// DemoImage holds the programs of the demo.
const DemoImage = "atoll.local/demo:1"

// packed is an image of ours.
type packed struct {
	program string // in the cluster's bin folder
	tag     string // empty: named by its content, so that a new binary is rolled out
	names   []string
	user    string
}

func (c *Cluster) images() []packed {
	all := []packed{
		{program: "pause", tag: node.PauseImage, user: image.Nobody},
		// It makes folders for any user on the node's disk.
		{program: "volume", names: []string{"/setup", "/teardown"}},
		{program: "coredns", user: image.Nobody},
		{program: "metrics-server", user: image.Nobody},
		{program: "local-path-provisioner", user: image.Nobody},
	}
	if c.Demo {
		all = append(all, packed{program: "demo", tag: DemoImage, user: image.Nobody})
	}
	return all
}

// tag is the image's name. The program is built already.
func (c *Cluster) tag(p packed) (tag, digest string, err error) {
	digest, err = image.Digest(c.Dir.Bin(p.program))
	if err != nil {
		return "", "", err
	}
	if p.tag != "" {
		return p.tag, digest, nil
	}
	return "atoll.local/" + p.program + ":" + digest, digest, nil
}

// loaded remembers which content was loaded under which tag. It lies with the
// node's images, and is gone when they are.
func (c *Cluster) loadedFile() string { return c.Dir.Node("containerd", "loaded.json") }

func (c *Cluster) readLoaded() (map[string]string, error) {
	loaded := map[string]string{}
	text, err := os.ReadFile(c.loadedFile())
	if errors.Is(err, fs.ErrNotExist) {
		return loaded, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading which images are loaded: %w", err)
	}
	if err := json.Unmarshal(text, &loaded); err != nil {
		return map[string]string{}, nil // they are loaded again
	}
	return loaded, nil
}

// loadImages packs and loads what the node does not have.
func (c *Cluster) loadImages(ctx context.Context) error {
	loaded, err := c.readLoaded()
	if err != nil {
		return err
	}
	changed := false
	for _, p := range c.images() {
		tag, digest, err := c.tag(p)
		if err != nil {
			return err
		}
		if loaded[tag] == digest {
			continue
		}
		tar := c.Dir.Images(p.program + ".tar")
		if err := image.Pack(image.Image{Tag: tag, Binary: c.Dir.Bin(p.program), Names: p.names, User: p.user}, tar); err != nil {
			return err
		}
		if err := c.node().Load(ctx, process.Alive(c.pidFile("keeper")), tar); err != nil {
			return err
		}
		// The node has its own copy.
		if err := os.Remove(tar); err != nil {
			return fmt.Errorf("removing a packed image: %w", err)
		}
		loaded[tag], changed = digest, true
	}
	if !changed {
		return nil
	}
	text, err := json.Marshal(loaded)
	if err != nil {
		return fmt.Errorf("keeping which images are loaded: %w", err)
	}
	if err := os.WriteFile(c.loadedFile(), text, 0o600); err != nil {
		return fmt.Errorf("keeping which images are loaded: %w", err)
	}
	return nil
}

// Load gives an image to the running node.
func (c *Cluster) Load(ctx context.Context, tar string) error {
	if err := c.load(); err != nil {
		return err
	}
	if c.kind == Simulated {
		return errors.New("simulated nodes run no containers: there is nothing to load an image into")
	}
	keeper := process.Alive(c.pidFile("keeper"))
	if keeper == 0 || process.Alive(c.pidFile("containerd")) == 0 {
		return ErrNotRunning
	}
	abs, err := filepath.Abs(tar)
	if err != nil {
		return fmt.Errorf("finding the image: %w", err)
	}
	if _, err := os.Stat(abs); err != nil {
		return fmt.Errorf("finding the image: %w", err)
	}
	return c.node().Load(ctx, keeper, abs)
}
