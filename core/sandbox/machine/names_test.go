// What a module says of names is not believed.
package machine

import (
	"context"
	"testing"
)

func TestNamesThatLieTakeNoMemory(t *testing.T) {
	// Names of the locals of 4,294,967,295 functions.
	lies := append(puppet(nil), "\x00\x0c\x04name\x02\x05\xff\xff\xff\xff\x0f"...)
	if _, _, err := prepare(context.Background(), lies, 1<<20, 1<<30); err != nil {
		t.Error(err)
	}
}
