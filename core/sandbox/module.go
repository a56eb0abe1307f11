package sandbox

func inspect(wasm []byte, maxModule int, maxMemory uint64) (Report, bool) {
	return Report{Digest: digest(wasm), Size: len(wasm)}, true
}
