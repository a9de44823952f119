// Command fuzzall runs every fuzz target of the packages given, one after the
// other, for a short while each: `go test -fuzz` itself takes one target of
// one package. It exits non-zero when a target fails and when it found none.
//
//	go run ./integration/tools/fuzzall -fuzztime=10s ./...
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzzall:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("fuzzall", flag.ContinueOnError)
	flags.SetOutput(stderr)
	fuzztime := flags.String("fuzztime", "10s", "how long to run each target, as `go test -fuzztime` takes it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := list(ctx, flags.Args(), stderr)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return errors.New("no fuzz target in these packages")
	}
	var failed []error
	for _, t := range targets {
		fmt.Fprintf(stdout, "--- %s %s\n", t.pkg, t.name)
		cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+*fuzztime, t.pkg)
		cmd.Stdout, cmd.Stderr = stdout, stderr
		if err := cmd.Run(); err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", t.pkg, t.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// target is one fuzz function.
type target struct{ pkg, name string }

// list finds the fuzz targets of the packages that the patterns name, without
// building anything.
func list(ctx context.Context, patterns []string, stderr io.Writer) ([]target, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles"}, patterns...)...)
	cmd.Stderr = stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var found []target
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("reading go list's answer: %w", err)
		}
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			names, err := targets(filepath.Join(p.Dir, file), nil)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				found = append(found, target{p.ImportPath, name})
			}
		}
	}
	return found, nil
}

// targets returns the names of the fuzz functions in a file; src is as for
// go/parser.
func targets(path string, src any) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") && takesF(f) {
			names = append(names, f.Name.Name)
		}
	}
	return names, nil
}

// takesF reports whether the function's only parameter is a *testing.F.
func takesF(f *ast.FuncDecl) bool {
	if len(f.Type.Params.List) != 1 {
		return false
	}
	star, ok := f.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "F"
}
