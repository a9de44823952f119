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
// warning or an error, and whatever isn't logged by level, at once with all that came before. Nobody waits for a write
// but who makes it: whoever reads the log may be slow.
type lineBuffer struct {
	out io.Writer

	writing sync.Mutex // held by who writes; taken before mu. It guards out and spare
	spare   []byte     // what was written last, to be used again

	mu    sync.Mutex // guards what follows
	lines []byte
	timer *time.Timer // runs while there are lines; nil before the first
}

var _ zerolog.LevelWriter = (*lineBuffer)(nil)

// WriteLevel takes one line.
func (b *lineBuffer) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	if full := b.add(line); full || level > zerolog.InfoLevel {
		return len(line), b.Flush()
	}
	return len(line), nil
}

// Write writes at once.
func (b *lineBuffer) Write(p []byte) (int, error) {
	b.add(p)
	return len(p), b.Flush()
}

// add takes lines, and tells whether there are so many that they must be written.
func (b *lineBuffer) add(lines []byte) (full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == 0 {
		b.arm()
	}
	b.lines = append(b.lines, lines...)
	return len(b.lines) >= logBuffer
}

// arm has the timer flush. b.mu is held.
func (b *lineBuffer) arm() {
	if b.timer == nil {
		b.timer = time.AfterFunc(logDelay, func() { _ = b.Flush() }) // as with any log: where would one say so?
		return
	}
	b.timer.Reset(logDelay)
}

// Flush writes what is held back. What can't be written is dropped, as a log without a buffer does.
func (b *lineBuffer) Flush() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	lines := b.take()
	b.spare = lines[:0]
	if len(lines) == 0 {
		return nil
	}
	_, err := b.out.Write(lines)
	return err
}

// take takes the lines, and leaves room for others in spare.
func (b *lineBuffer) take() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
	lines := b.lines
	b.lines = b.spare[:0]
	return lines
}
