package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// writes remembers each write.
type writes struct {
	mu  sync.Mutex // guards all
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (w *writes) get() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

func TestLogDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out writes
		log := newLogger(&lineBuffer{out: &out}, "info")
		for round := 1; round <= 2; round++ {
			log.Info().Msg("one")
			time.Sleep(logDelay - time.Millisecond)
			log.Info().Msg("two")
			synctest.Wait()
			if got := out.get(); len(got) != round-1 {
				t.Fatalf("written too early: %q", got)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if got := out.get(); len(got) != round || strings.Count(got[round-1], "\n") != 2 {
				t.Fatalf("round %d: %q, want both lines in one write", round, got)
			}
		}
		time.Sleep(time.Hour)
		if got := out.get(); len(got) != 2 {
			t.Errorf("%q", got)
		}
	})
}

// TestLogAtOnce has what matters be there when the call returns, after what came
// before it.
func TestLogAtOnce(t *testing.T) {
	for name, last := range map[string]func(*lineBuffer){
		"a warning":       func(b *lineBuffer) { l := newLogger(b, "info"); l.Warn().Msg("last") },
		"an error":        func(b *lineBuffer) { l := newLogger(b, "info"); l.Error().Msg("last") },
		"no level":        func(b *lineBuffer) { l := newLogger(b, "info"); l.Log().Msg("last") },
		"outside the log": func(b *lineBuffer) { _, _ = fmt.Fprintln(b, "last") },
	} {
		var out bytes.Buffer
		b := &lineBuffer{out: &out}
		log := newLogger(b, "info")
		log.Info().Msg("first")
		last(b)
		first, second, _ := strings.Cut(out.String(), "\n")
		if !strings.Contains(first, "first") || !strings.Contains(second, "last") {
			t.Errorf("%s: %q", name, &out)
		}
	}
}

func TestLogBufferBound(t *testing.T) {
	var out writes
	log := newLogger(&lineBuffer{out: &out}, "info")
	for range logBuffer / 1000 {
		log.Info().Msg(strings.Repeat("x", 1000))
	}
	if got := out.get(); len(got) != 1 || len(got[0]) < logBuffer || !strings.HasSuffix(got[0], "\n") {
		t.Errorf("%d writes", len(got))
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestLogBroken must not grow for ever.
func TestLogBroken(t *testing.T) {
	b := &lineBuffer{out: broken{}}
	for range 5000 {
		_, _ = b.WriteLevel(zerolog.InfoLevel, []byte(strings.Repeat("x", 100)))
	}
	if err := b.Flush(); err == nil || cap(b.lines) > 4*logBuffer {
		t.Errorf("%v; %d bytes are held", err, cap(b.lines))
	}
}

// stuck is a log whose reader is away until it is closed.
type stuck struct {
	writes
	back chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.back
	return s.writes.Write(p)
}

// TestLogSlowReader has nobody wait for a reader but who found the buffer full.
func TestLogSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{back: make(chan struct{})}
		log := newLogger(&lineBuffer{out: out}, "info")
		go log.Info().Msg(strings.Repeat("x", logBuffer))
		synctest.Wait()
		log.Info().Msg("next") // would be a deadlock
		close(out.back)
		time.Sleep(logDelay)
		synctest.Wait()
		if got := out.get(); len(got) != 2 || !strings.Contains(got[1], `"next"`) {
			t.Errorf("written: %.60q, want the full buffer and then the next line", got)
		}
	})
}
