package main

import (
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// logDelay is how long a line of level info or below may be held back: a write for each request would be a twentieth of
	// what a refresh costs (`task bench`). So a killed process may lose so much of what went well, and nothing else.
	logDelay = 100 * time.Millisecond
	// logBuffer is how many bytes are held back at most.
	logBuffer = 32 << 10
)

// lineBuffer writes log lines together, in their order: those of level info and below after logDelay at the latest, a
// warning or an error, and whatever isn't logged by level, at once with all that came before.
type lineBuffer struct {
	out io.Writer

	mu    sync.Mutex // guards what follows, and out
	lines []byte
	timer *time.Timer // runs while there are lines; nil before the first
}

var _ zerolog.LevelWriter = (*lineBuffer)(nil)

// WriteLevel takes one line.
func (b *lineBuffer) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	if level > zerolog.InfoLevel {
		return b.Write(line)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == 0 {
		b.arm()
	}
	b.lines = append(b.lines, line...)
	if len(b.lines) >= logBuffer {
		return len(line), b.flush()
	}
	return len(line), nil
}

// Write writes at once.
func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, p...)
	return len(p), b.flush()
}

// Flush writes what is held back.
func (b *lineBuffer) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flush()
}

// arm has the timer flush. b.mu is held.
func (b *lineBuffer) arm() {
	if b.timer == nil {
		b.timer = time.AfterFunc(logDelay, func() { _ = b.Flush() }) // as with any log: where would one say so?
		return
	}
	b.timer.Reset(logDelay)
}

// flush drops what can't be written, as a log without a buffer does. b.mu is held.
func (b *lineBuffer) flush() error {
	if len(b.lines) == 0 {
		return nil
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	_, err := b.out.Write(b.lines)
	b.lines = b.lines[:0]
	return err
}
