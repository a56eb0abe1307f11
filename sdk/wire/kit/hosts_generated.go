// Generated conversations with a host.
package kit

func generatedOptions(seed uint64) Options { return Options{} }

func (k *talk) generate(seed uint64) {}
