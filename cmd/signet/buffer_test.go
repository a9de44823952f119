package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writes remembers each write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestLogDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out writes
		log := newLogger(&lineBuffer{out: &out}, "info")
		for round := 1; round <= 2; round++ {
			log.Info().Msg("one")
			time.Sleep(logDelay - time.Millisecond)
			log.Info().Msg("two")
			if len(out) != round-1 {
				t.Fatalf("written too early: %q", out)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if len(out) != round || strings.Count(out[round-1], "\n") != 2 {
				t.Fatalf("round %d: %q, want both lines in one write", round, out)
			}
		}
		time.Sleep(time.Hour)
		if len(out) != 2 {
			t.Errorf("%q", out)
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
	if len(out) != 1 || len(out[0]) < logBuffer || !strings.HasSuffix(out[0], "\n") {
		t.Errorf("%d writes", len(out))
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestLogBroken must not grow for ever.
func TestLogBroken(t *testing.T) {
	b := &lineBuffer{out: broken{}}
	log := newLogger(b, "info")
	for range 5000 {
		log.Info().Msg("line")
	}
	if err := b.Flush(); err == nil || cap(b.lines) > 4*logBuffer {
		t.Errorf("%v; %d bytes are held", err, cap(b.lines))
	}
}
