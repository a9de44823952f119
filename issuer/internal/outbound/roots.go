package outbound

import (
	"crypto/x509"
	"fmt"
	"os"
)

const maxBundle = 4 << 20 // bytes; Mozilla's whole list has a quarter of a MiB

// Roots returns the system's certificates and those of a PEM file beside them; nil, which means the system's, where no file is
// named.
func Roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBundle {
		return nil, fmt.Errorf("%s: larger than %d MiB", file, maxBundle>>20)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil { // none is installed, as in an empty container
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: holds no PEM certificate", file)
	}
	return pool, nil
}
