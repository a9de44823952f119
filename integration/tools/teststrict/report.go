package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// slowest is how many tests the report names as the slowest.
const slowest = 10

// event is what `go test -json` prints a line of; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// test identifies one test of one package.
type test struct{ pkg, name string }

// result is how a test ended, with what it printed.
type result struct {
	test    test
	elapsed time.Duration
	output  string
}

// report collects events and prints as it goes.
type report struct {
	out     io.Writer
	output  map[test]*strings.Builder // of what still runs
	passed  int
	failed  []result
	skipped []result
	times   []result
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[test]*strings.Builder{}}
}

// read takes events until the stream ends. Lines that aren't events are
// passed through: `go test` prints some errors of the build so.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Action == "" {
		fmt.Fprint(r.out, line)
		return
	}
	id := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.keep(id, e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		r.end(id, e)
	}
}

// keep holds a test's output back until it ended. A package's own lines,
// which have no test, are printed when the package ends.
func (r *report) keep(id test, output string) {
	b := r.output[id]
	if b == nil {
		b = new(strings.Builder)
		r.output[id] = b
	}
	b.WriteString(output)
}

func (r *report) end(id test, e event) {
	res := result{test: id, elapsed: time.Duration(e.Elapsed * float64(time.Second))}
	if b := r.output[id]; b != nil {
		res.output = b.String()
		delete(r.output, id)
	}
	if id.name == "" {
		r.endPackage(res, e.Action)
		return
	}
	r.times = append(r.times, res)
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed = append(r.failed, res)
		fmt.Fprint(r.out, res.output)
	case "skip":
		r.skipped = append(r.skipped, res)
	}
}

// endPackage prints the package's line ("ok", "FAIL", "?"), and everything it
// printed outside a test where it failed: a panic, or a failed build. What
// ran when it died has no end of its own, and is shown too.
func (r *report) endPackage(res result, action string) {
	if action != "fail" {
		fmt.Fprint(r.out, lastLine(res.output))
		return
	}
	for id, b := range r.output {
		if id.pkg == res.test.pkg {
			r.failed = append(r.failed, result{test: id, output: b.String()})
			fmt.Fprint(r.out, b.String())
			delete(r.output, id)
		}
	}
	if !r.failedIn(res.test.pkg) {
		r.failed = append(r.failed, res)
	}
	fmt.Fprint(r.out, res.output)
}

func (r *report) failedIn(pkg string) bool {
	return slices.ContainsFunc(r.failed, func(f result) bool { return f.test.pkg == pkg })
}

// finish prints the end of the report and returns why a run that `go test`
// calls green isn't whole, or nil.
func (r *report) finish() error {
	r.printSlowest()
	for _, f := range r.failed {
		fmt.Fprintf(r.out, "failed: %s %s\n", f.test.pkg, f.test.name)
	}
	for _, s := range r.skipped {
		fmt.Fprintf(r.out, "skipped: %s %s\n%s", s.test.pkg, s.test.name, reason(s.output))
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.skipped))
	switch {
	case len(r.failed) > 0:
		return fmt.Errorf("%d failed", len(r.failed))
	case len(r.skipped) > 0:
		return fmt.Errorf("%d skipped, and in this run a skip is a failure", len(r.skipped))
	case r.passed == 0:
		return errors.New("no test ran")
	}
	return nil
}

// printSlowest names the slowest tests at the top level.
func (r *report) printSlowest() {
	top := slices.DeleteFunc(slices.Clone(r.times), func(t result) bool {
		return strings.Contains(t.test.name, "/") || t.elapsed < time.Second
	})
	slices.SortFunc(top, func(a, b result) int { return cmp.Compare(b.elapsed, a.elapsed) })
	for _, t := range top[:min(slowest, len(top))] {
		fmt.Fprintf(r.out, "slow: %6.1fs %s %s\n", t.elapsed.Seconds(), t.test.pkg, t.test.name)
	}
}

// reason is a skipped test's output without go test's own lines.
func reason(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if s := strings.TrimSpace(line); !strings.HasPrefix(s, "=== ") && !strings.HasPrefix(s, "--- ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func lastLine(s string) string {
	trimmed := strings.TrimSuffix(s, "\n")
	return s[strings.LastIndexByte(trimmed, '\n')+1:]
}
