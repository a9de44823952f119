// Command signet is the token issuer and the tools around it.
//
// It owns the flags and where settings come from (flag, environment, .env, file), the choice of engines, the two
// listeners, and the demo of `signet dev`. What the issuer does is package issuer's; what settings may say is
// issuer.Settings'.
//
// Exit status: 0, 1 for an error, 2 for a wrong command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// gcPercent lets the heap grow to five times what lives in it before it is collected, not to twice that: a request's
// garbage is short-lived, some ten MB live, and under load it saves a tenth of the CPU for 15 to 20 MB more (`task
// bench`). GOGC overrides it.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// SIGHUP keeps its default: a server whose terminal went away should end.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends at once
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	os.Exit(code)
}
