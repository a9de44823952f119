package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startPatience = 60 * time.Second // from start to readiness; generous, for a loaded machine under -race
	stopPatience  = 30 * time.Second // from a polite signal to the process's end
	logTail       = 8 << 10          // bytes of output shown when a test failed
)

// Daemon is a server process that a test can stop, kill and start again in
// the same place. Its methods end the test when they fail; they may be called
// from the test's goroutine only.
type Daemon struct {
	t       testing.TB // nil for what outlives a test
	name    string
	quit    os.Signal                   // asks for an orderly end
	command func() *exec.Cmd            // a new one for each start
	ready   func(context.Context) error // nil once the server serves
	out     output

	mu sync.Mutex // guards p
	p  *process
}

// Start starts the server where it isn't running, and returns when it serves.
func (d *Daemon) Start() {
	d.t.Helper()
	if err := d.start(); err != nil {
		d.t.Fatalf("%v\n%s", err, d.tail())
	}
}

// Stop asks the server to end and waits for it. An end that isn't clean (a
// status that isn't 0, or none in time) fails the test.
func (d *Daemon) Stop() {
	d.t.Helper()
	if err := d.stop(); err != nil {
		d.t.Errorf("%v\n%s", err, d.tail())
	}
}

// Kill ends the server at once, as kill -9 does, and waits until it is gone.
func (d *Daemon) Kill() {
	d.t.Helper()
	if err := d.kill(); err != nil {
		d.t.Fatal(err)
	}
}

// Restart stops the server where it is running and starts it again, with the
// same addresses and data.
func (d *Daemon) Restart() {
	d.t.Helper()
	d.Stop()
	d.Start()
}

// Signal sends sig to the running server.
func (d *Daemon) Signal(sig os.Signal) {
	d.t.Helper()
	p := d.running()
	if p == nil {
		d.t.Fatalf("signalling %s: it isn't running", d.name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		d.t.Fatalf("signalling %s: %v", d.name, err)
	}
}

// Running reports whether the server's process is there.
func (d *Daemon) Running() bool { return d.running() != nil }

// Pid is the process id of the running server, 0 when it isn't running.
func (d *Daemon) Pid() int {
	if p := d.running(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Output is what the server has printed on both streams, over all its starts,
// less what exceeds 4 MiB at the beginning.
func (d *Daemon) Output() string { return d.out.String() }

func (d *Daemon) start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.p != nil && d.p.alive() {
		return nil
	}
	p, err := spawn(d.name, d.command(), &d.out)
	if err != nil {
		return err
	}
	d.p = p
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	if err := await(ctx, p, d.ready); err != nil {
		return errors.Join(err, p.end(syscall.SIGKILL, stopPatience))
	}
	return nil
}

func (d *Daemon) stop() error {
	p := d.running()
	if p == nil {
		return nil
	}
	if err := p.end(d.quit, stopPatience); err != nil {
		return err
	}
	if p.err != nil {
		return fmt.Errorf("%s didn't end cleanly: %w", d.name, p.err)
	}
	return nil
}

func (d *Daemon) kill() error {
	if p := d.running(); p != nil {
		return p.end(syscall.SIGKILL, stopPatience)
	}
	return nil
}

func (d *Daemon) running() *process {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.p == nil || !d.p.alive() {
		return nil
	}
	return d.p
}

// atEnd ends the server with its test, and shows its output if that failed.
func (d *Daemon) atEnd() {
	d.t.Cleanup(func() {
		d.Stop()
		if d.t.Failed() {
			d.t.Logf("%s printed:\n%s", d.name, d.tail())
		}
	})
}

func (d *Daemon) tail() string {
	out := d.out.String()
	if len(out) > logTail {
		out = "…" + out[len(out)-logTail:]
	}
	return strings.TrimRight(out, "\n")
}
