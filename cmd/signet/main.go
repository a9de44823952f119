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

// gcPercent lets the heap of live data triple before it is collected, not double: a request's garbage is short-lived, the
// live heap is some ten MB, and under load it saves a sixth of the CPU for 15 MB more (`task bench`). GOGC overrides it.
const gcPercent = 200

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
