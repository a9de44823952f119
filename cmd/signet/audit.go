package main

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/store/sql"
)

type auditCmd struct {
	List auditList `cmd:"" help:"List events, newest first."`
}

type auditList struct {
	settingsFlags
	User   string `placeholder:"USER" help:"What concerns this user: address or id."`
	Event  string `placeholder:"KIND" help:"Events of this kind alone, as login.failed, user.disabled, client.changed, session.ended or keys.changed."`
	Since  string `placeholder:"TIME" help:"From then on: 24h ago, a day as 2026-11-22, or 2026-11-22T15:04:05Z."`
	Before string `placeholder:"ID" help:"Begin below the event of this id (--json shows ids)."`
	Limit  int    `default:"100" help:"List so many at most: 1 to 100000."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

const (
	// auditChunk is how many events are asked of the store at once: the most that it gives.
	auditChunk = 500
	// auditSkew is how much older than the one before an event may be: each replica writes its own clock's time.
	auditSkew = time.Minute
)

var kindOfEvent = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

// Run lists events.
func (c *auditList) Run(a *app) error {
	if err := checkLimit(c.Limit); err != nil {
		return err
	}
	if c.Event != "" && !kindOfEvent.MatchString(c.Event) {
		return usageError("--event must be a kind of event, as login.failed")
	}
	since, err := parseSince(c.Since, a.now())
	if err != nil {
		return err
	}
	return withDatabase(a, c.Settings, func(ctx context.Context, db *sql.DB) error {
		user, err := userID(ctx, db.Backend().Accounts, c.User)
		if err != nil {
			return err
		}
		events, err := c.collect(ctx, db.Backend().Audit, user, since)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, events)
		}
		return printEvents(a, events)
	})
}

// parseSince reads a time, a day (it begins at midnight UTC) or how long ago; empty: the beginning of time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError("--since must be how long ago, as 24h, or a time, as 2026-11-22 or 2026-11-22T15:04:05Z")
}

func (c *auditList) collect(ctx context.Context, log audit.Log, user id.User, since time.Time) ([]audit.Event, error) {
	out, before := []audit.Event{}, c.Before
	for {
		some, err := log.Events(ctx, audit.Query{Before: before, Limit: auditChunk, Kind: audit.Kind(c.Event), User: user})
		if err != nil {
			return nil, err
		}
		for _, e := range some {
			if len(out) == c.Limit || e.At.Before(since.Add(-auditSkew)) {
				return out, nil
			}
			if before = e.ID; !e.At.Before(since) {
				out = append(out, e)
			}
		}
		if len(some) < auditChunk {
			return out, nil
		}
	}
}

func printEvents(a *app, events []audit.Event) error {
	t := newTable(a.stdout, "AT", "EVENT", "ACTOR", "USER", "CLIENT", "SESSION", "REASON", "ADDRESS", "DETAIL")
	for _, e := range events {
		t.row(instant(e.At), e.Kind, shown(e.Actor), shown(string(e.User)), shown(string(e.Client)), shown(string(e.Session)),
			shown(e.Reason), shown(e.Address), shown(detailOf(e)))
	}
	return t.Flush()
}

// shown is a text that may have come from outside.
func shown(s string) string { return orDash(printable(s)) }

func detailOf(e audit.Event) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		parts = append(parts, fmt.Sprintf("%s=%s", name, e.Detail[name]))
	}
	return strings.Join(parts, " ")
}
