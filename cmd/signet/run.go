package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Exit statuses.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// cli is the grammar. Each group of commands has a file.
type cli struct {
	Dev         devCmd         `cmd:"" help:"Run Signet with an embedded database, a demo user and a demo API, and print what to try."`
	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database to this version's schema, and nothing else."`
	Keys        keysCmd        `cmd:"" help:"List, rotate, revoke, import, export and reseal signing keys."`
	Users       usersCmd       `cmd:"" help:"Add, list, change and delete users."`
	Clients     clientsCmd     `cmd:"" help:"Add, list, change and delete OAuth clients, and give them new secrets."`
	Sessions    sessionsCmd    `cmd:"" help:"List and end people's sessions."`
	Audit       auditCmd       `cmd:"" help:"List what happened: who did what to whom, when and why."`
	Token       tokenCmd       `cmd:"" help:"Look into tokens."`
	Config      configCmd      `cmd:"" help:"Print the settings in effect and where each comes from."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask the running server whether it is well, for containers."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// app is what every command is given.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	sources        *sources
	now            func() time.Time
}

// usageError is a wrong command line that the grammar alone can't refuse.
type usageError string

func (e usageError) Error() string { return string(e) }

// exitCode is what kong wants to end the process with; run recovers it.
type exitCode int

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exitCode:
			code = int(r)
		default:
			panic(r)
		}
	}()
	lines := &lineBuffer{out: stderr}
	defer func() { _ = lines.Flush() }() // nobody is left to be told
	a := &app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: lines, sources: &sources{env: env, dir: "."}, now: time.Now}
	err := a.parseAndRun(args)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintf(lines, "signet: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nsignet: "))
	return statusOf(err)
}

func statusOf(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*kong.ParseError](err); ok {
		return exitUsage
	}
	return exitError
}

func (a *app) parseAndRun(args []string) error {
	var grammar cli
	parser, err := a.parser(&grammar)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	// What is wrong with the other sources is told first, and all at once: it is not the command line's fault.
	if broken := a.sources.err(); broken != nil {
		return broken
	}
	if err != nil {
		return fmt.Errorf("%w (see signet --help)", err)
	}
	a.sources.noteFlags(parsed)
	return parsed.Run(a)
}

func (a *app) parser(grammar any) (*kong.Kong, error) {
	return kong.New(grammar,
		kong.Name("signet"),
		kong.Description("A token issuer: registers people, checks passwords, signs tokens with keys that rotate, and revokes them."),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(code int) { panic(exitCode(code)) }),
		kong.Resolvers(a.sources),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.ValueFormatter(helpWithEnv),
		kong.ExplicitGroups([]kong.Group{{Key: settingsGroup, Title: "Settings:"}}),
	)
}
