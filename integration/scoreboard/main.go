// Command scoreboard puts Signet's verifier and the Go libraries that people
// use instead to the same behaviours, over real HTTP, and prints who does what:
//
//	task scoreboard
//	go run . [-only LIBRARY] [-point N] [-why] [-md]
//	task bench:verifier     what a check costs in each
//
// It owns the columns of the others, each in its documented default use with
// issuer, audience and expiry asked for; the behaviours themselves, and Signet's
// column, are package behaviours', whose test runs in the ordinary tests. It is
// a module of its own, so that nobody who imports Signet pulls these libraries.
//
// It exits with 1 if Signet's verifier fails a row.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/signet-oidc/signet/integration/behaviours"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	only          string
	point         int
	why, markdown bool
	parallel      int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("scoreboard", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.only, "only", "", "the library whose name contains this, and no other")
	flags.IntVar(&o.point, "point", 0, "the rows of this point: 1 tokens, 2 keys, 3 revocation")
	flags.BoolVar(&o.why, "why", false, "say of each failure what happened")
	flags.BoolVar(&o.markdown, "md", false, "print the table in Markdown")
	flags.IntVar(&o.parallel, "parallel", 12, "cells at a time; most of them wait")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // some libraries log each failed fetch
	libraries, rows := o.choose()
	results := behaviours.Run(ctx, libraries, rows, o.parallel)
	t := table{libraries: libraries, rows: rows, results: results}
	t.print(stdout, o.markdown)
	if o.why {
		t.explain(stdout)
	}
	if !t.holds(behaviours.Signet().Name) {
		fmt.Fprintln(stderr, "scoreboard: Signet's verifier fails a row")
		return 1
	}
	return 0
}

func (o options) choose() ([]behaviours.Library, []behaviours.Behaviour) {
	libraries := slices.DeleteFunc(all(), func(l behaviours.Library) bool { return !strings.Contains(l.Name, o.only) })
	rows := slices.DeleteFunc(behaviours.All(), func(b behaviours.Behaviour) bool { return o.point != 0 && b.Point != o.point })
	return libraries, rows
}

// all are the columns in the table's order.
func all() []behaviours.Library {
	return []behaviours.Library{behaviours.Signet(), goOIDC(), zitadel(), keyFunc(), auth0(), jwx(), goJOSE()}
}
