package rotate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// child is a verifier in another language: a token a line goes in, a verdict in
// JSON a line comes out.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser

	mu  sync.Mutex // guards out, and that each reads its own verdict
	out *bufio.Reader
}

// verdict is what a child prints.
type verdict struct {
	OK          bool   `json:"ok"`
	Error       string `json:"error"`
	Unavailable bool   `json:"unavailable"`
}

// startChild runs a command until ctx ends or Close.
func startChild(ctx context.Context, stderr io.Writer, name string, args ...string) (*child, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return &child{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// Judge implements judge. It takes no context: a verdict that isn't read would
// be taken for the next token's.
func (c *child) Judge(_ context.Context, token string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.in, token+"\n"); err != nil {
		return fmt.Errorf("the verifier has ended: %w", err)
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the verifier has ended: %w", err)
	}
	var v verdict
	switch err := json.Unmarshal(line, &v); {
	case err != nil:
		return fmt.Errorf("the verifier says %.200q: %w", line, err)
	case v.OK:
		return nil
	case v.Unavailable:
		return fmt.Errorf("%w: %s", errUnavailable, v.Error)
	}
	return errors.New(v.Error)
}

// Close ends the verifier by the end of its input.
func (c *child) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.in.Close(), c.cmd.Wait())
}
