// Command teststrict runs `go test -json` with the arguments given and prints
// what `go test` itself would print: a line a package, and the output of what
// failed. At its end come the slowest tests, the skips and the counts. It
// exits non-zero when a test failed, when any test was skipped, and when no
// test ran: a green run has run everything.
//
//	go run ./integration/tools/teststrict -race -count=1 ./...
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit status: that of `go test`, or 1 for a run that was
// green and yet not whole.
func run(args []string, stdout, stderr io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = stderr
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(stderr, "teststrict:", err)
		return 1
	}
	r := newReport(stdout)
	if err := r.read(events); err != nil {
		fmt.Fprintln(stderr, "teststrict: reading go test's events:", err)
		_ = cmd.Process.Kill() // nobody reads it any more
		_ = cmd.Wait()
		return 1
	}
	err = cmd.Wait()
	verdict := r.finish()
	if err != nil {
		fmt.Fprintln(stderr, "teststrict: go test:", err)
		return max(1, cmd.ProcessState.ExitCode())
	}
	if verdict != nil {
		fmt.Fprintln(stderr, "teststrict:", verdict)
		return 1
	}
	return 0
}
