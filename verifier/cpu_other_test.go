//go:build !linux

package verifier_test

import "time"

var began = time.Now()

// threadCPU is wall time where there is no better: measure on a quiet machine.
func threadCPU() time.Duration { return time.Since(began) }
