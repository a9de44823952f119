package main

import (
	"bytes"
	"io"
	stdlog "log"
	"os"
	"time"

	"github.com/rs/zerolog"
)

// newLogger writes JSON, in lines that a lineBuffer may hold back, or for people, at once, when w is a terminal.
func newLogger(w io.Writer, level string) zerolog.Logger {
	if isTerminal(w) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly}
	}
	at, err := zerolog.ParseLevel(level)
	if err != nil { // Validate knows the same words
		at = zerolog.InfoLevel
	}
	return zerolog.New(w).Level(at).With().Timestamp().Logger()
}

func isTerminal(w io.Writer) bool {
	if b, ok := w.(*lineBuffer); ok {
		w = b.out
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// stdLogger is where net/http reports broken connections and the like: nothing that an operator must act on.
func stdLogger(log zerolog.Logger, name string) *stdlog.Logger {
	return stdlog.New(lineWriter{log.With().Str("listener", name).Logger()}, "", 0)
}

type lineWriter struct{ log zerolog.Logger }

// Write logs one line.
func (w lineWriter) Write(p []byte) (int, error) {
	w.log.Debug().Msg(string(bytes.TrimSpace(p)))
	return len(p), nil
}
