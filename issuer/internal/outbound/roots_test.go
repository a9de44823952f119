package outbound

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRoots(t *testing.T) {
	o := newOther(t, "", hello)
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "bad.pem")
	for path, text := range map[string][]byte{
		good: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Certificate().Raw}), bad: []byte("no certificate"),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := Roots(good)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Config{CA: pool, Allow: []string{"127.0.0.1"}})
	if body, err := c.Get(t.Context(), o.URL, "*/*"); err != nil || string(body) != "hello" {
		t.Errorf("%q, %v", body, err)
	}
	if pool, err := Roots(""); pool != nil || err != nil {
		t.Errorf("no file: %v, %v", pool, err)
	}
	if _, err := Roots(bad); err == nil || !strings.HasSuffix(err.Error(), "bad.pem: holds no PEM certificate") {
		t.Errorf("no PEM: %v", err)
	}
	if _, err := Roots(filepath.Join(dir, "nowhere")); err == nil || !strings.HasSuffix(err.Error(), "no such file or directory") {
		t.Errorf("no file: %v", err)
	}
}
