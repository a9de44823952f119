package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// outputLimit bounds what is kept of a process's output: its end, which says
// why it died.
const outputLimit = 4 << 20

// pipeDelay is how long a dead process's pipes may be held open by a child of
// its own before they are closed.
const pipeDelay = 5 * time.Second

// process is one running command, waited for in the background.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and its output is whole
	err  error         // of Wait; read after done only
}

// spawn starts cmd with its output going to out. The process gets a group of
// its own, so that an interrupt at the terminal reaches the test binary first,
// and dies with the test binary where the system can do that.
func spawn(name string, cmd *exec.Cmd, out *output) (*process, error) {
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = pipeDelay
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// alive reports whether the process hasn't ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// state says how the process ended.
func (p *process) state() string {
	<-p.done
	return p.cmd.ProcessState.String()
}

// end sends sig and waits. After patience it kills the process, and says so.
func (p *process) end(sig os.Signal, patience time.Duration) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling %s: %w", p.name, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	_ = p.cmd.Process.Kill() // it can only have ended meanwhile
	<-p.done
	return fmt.Errorf("%s was still there %v after %v, and was killed", p.name, patience, sig)
}

// output collects what processes print; its zero value is ready. One output
// serves a server across its restarts.
type output struct {
	mu  sync.Mutex
	buf []byte // its last outputLimit bytes are what counts
}

// Write implements io.Writer; it never fails.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, b...)
	if len(o.buf) > 2*outputLimit {
		o.buf = append(o.buf[:0], o.buf[len(o.buf)-outputLimit:]...)
	}
	return len(b), nil
}

// String returns what was printed so far, both streams as they came.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.buf)
}
