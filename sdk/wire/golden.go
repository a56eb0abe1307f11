// The golden files: frames, and conversations frame by frame.
package wire

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// GoldenFrames is golden/frames.json.
type GoldenFrames struct {
	About string `json:"about"`
	Valid []struct {
		Name  string `json:"name"`
		From  string `json:"from"` // host or guest
		Hex   string `json:"hex"`
		Means Symbol `json:"means"`
	} `json:"valid"`
	Broken []struct {
		Name    string `json:"name"`
		From    string `json:"from"`
		Rule    string `json:"rule"`
		Outcome string `json:"outcome"` // fault, or resets and a code
		Hex     string `json:"hex"`
	} `json:"broken"`
}

// Conversation is one of golden/conversations: what host and guest say, poll by
// poll.
type Conversation struct {
	Name  string   `json:"name"`
	About string   `json:"about"`
	Rules []string `json:"rules"`         // that it shows
	For   []string `json:"for,omitempty"` // host, guest: whom it tests; both where it does not say
	Polls []Poll   `json:"polls"`
}

// Poll is one poll: what the host hands over and what the guest answers. Time
// is how many milliseconds pass before it.
type Poll struct {
	Note  string   `json:"note,omitempty"`
	Time  int      `json:"time,omitempty"`
	Host  []Symbol `json:"host"`
	Guest []Symbol `json:"guest"`
	// Fault is the rule that the guest breaks here; the host ends the instance.
	Fault string `json:"fault,omitempty"`
}

// Tests tells whether a conversation tests a host, or a guest.
func (c *Conversation) Tests(side string) bool {
	return len(c.For) == 0 || slices.Contains(c.For, side)
}

// LoadFrames gives the golden frames.
func LoadFrames() (*GoldenFrames, error) {
	g := &GoldenFrames{}
	return g, load("golden/frames.json", g)
}

// LoadConversations gives the golden conversations, by name.
func LoadConversations() ([]*Conversation, error) {
	files, err := fs.Glob(Golden, "golden/conversations/*.json")
	if err != nil {
		return nil, err
	}
	var all []*Conversation
	for _, name := range files {
		c := &Conversation{}
		if err := load(name, c); err != nil {
			return nil, err
		}
		if c.Name != strings.TrimSuffix(path.Base(name), ".json") {
			return nil, fmt.Errorf("%s: it names itself %q", name, c.Name)
		}
		all = append(all, c)
	}
	return all, nil
}

func load(name string, into any) error {
	f, err := Golden.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
