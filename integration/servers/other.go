package servers

import (
	"context"
	"os/exec"
	"syscall"
	"testing"
)

// Other starts a server that this package doesn't know, such as an example or
// another issuer, and ends it with t by SIGTERM. The command is made anew for
// each start; ready returns nil once the server serves.
func Other(t testing.TB, name string, command func() *exec.Cmd, ready func(context.Context) error) *Daemon {
	t.Helper()
	d := &Daemon{t: t, name: name, quit: syscall.SIGTERM, command: command, ready: ready}
	d.atEnd()
	d.Start()
	return d
}
