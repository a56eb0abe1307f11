// What tests of recordings look at inside.
package sandbox

// ToBeRecorded tells whether the next request of whom a recording is about meets
// an instance that it records.
func ToBeRecorded(g *Guest) bool {
	r := g.session.Load()
	if r == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.instances[r.key]
	return i == nil || i.recorder != nil
}

// EndInstances unloads a guest's instances, and waits for their ends.
func EndInstances(g *Guest) {
	g.mu.Lock()
	var all []*instance
	for _, i := range g.instances {
		all = append(all, i)
	}
	g.mu.Unlock()
	for _, i := range all {
		i.stop(errUnloaded)
	}
}
