// Modules as strangers make them.
package machine

import "testing"

// FuzzModule decodes arbitrary bytes as a module: a report, never a panic.
func FuzzModule(f *testing.F) {
	f.Add(driverWasm(true))
	f.Add(driverWasm(false))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x01\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		report, _ := inspect(wasm, 1<<20, 1<<30)
		if len(report.Faults) == 0 {
			if m, err := decodeModule(wasm); err != nil || len(m.memories) != 1 {
				t.Errorf("a module without a memory has no fault: %v", err)
			}
		}
	})
}
