// What the embedded console must always be able to do: show a page.

package console

import (
	"io/fs"
	"testing"
)

func TestTheBinaryAlwaysCarriesAPage(t *testing.T) {
	page, err := fs.ReadFile(Files(), "index.html")
	if err != nil {
		t.Fatalf("no index.html embedded: %v", err)
	}
	if len(page) == 0 {
		t.Fatal("index.html is empty")
	}
	if _, err := fs.Stat(Files(), "assets"); Built() && err != nil {
		t.Fatalf("the console is built but has no assets: %v", err)
	}
}
