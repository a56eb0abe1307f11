// That the gathering program reads what measuring programs write.
package figure

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "figures.jsonl")
	all := []Figure{
		{Name: "one", Value: 1.5, Unit: "ms", Peer: "none at all", PeerValue: new(0.0), Note: "a peer that took nothing is a peer"},
		{Name: "two", Value: 0, Unit: "count"},
	}
	for range 2 { // the second time in place of the first
		if err := Write(name, all); err != nil {
			t.Fatal(err)
		}
	}
	if read, err := Read(name); err != nil || !reflect.DeepEqual(read, all) {
		t.Errorf("read %+v, %v; want %+v", read, err, all)
	}
}

func TestBrokenFiguresAreNamed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "figures.jsonl")
	if err := os.WriteFile(name, []byte(`{"name":"one","value":1,"unit":"s"}`+"\n"+`{"name":"tw`), 0o600); err != nil {
		t.Fatal(err)
	}
	if read, err := Read(name); err == nil || !strings.Contains(err.Error(), "figure 2") || len(read) != 1 {
		t.Errorf("of a file cut short: %+v, %v", read, err)
	}
	if err := Write(name, []Figure{{Name: "endless", Value: math.Inf(1)}}); err == nil || !strings.Contains(err.Error(), "endless") {
		t.Errorf("writing what is no number: %v", err)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 3}} {
		if got := Median(c.of); got != c.want {
			t.Errorf("%v: %v, want %v", c.of, got, c.want)
		}
	}
}
