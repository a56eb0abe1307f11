// Making and removing a volume's folder, and nothing else.
package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolderOfAVolumeIsMadeForEverybodyAndRemoved(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "pvc-1")
	if err := work("setup", folder); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o777 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := os.WriteFile(filepath.Join(folder, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := work("teardown", folder); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the folder is still there")
	}
}

func TestNothingButAVolumeIsTouched(t *testing.T) {
	for _, folder := range []string{"", "relative", "/", "/etc", "/etc/", "/etc/x/../../var"} {
		if err := work("teardown", folder); err == nil {
			t.Errorf("%q was taken", folder)
		}
	}
	if err := work("format", "/volumes/pvc-1"); err == nil {
		t.Error("an unknown action was taken")
	}
}
