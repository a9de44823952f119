//go:build !linux

package servers

import "syscall"

// dieWithParent does nothing where the system can't: there a server is ended
// by its test's cleanup alone.
func dieWithParent(*syscall.SysProcAttr) {}

func deathSignal(*syscall.SysProcAttr, syscall.Signal) {}
