package redis

import (
	"context"
	_ "embed" // the scripts
	"fmt"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// Grace is how much longer than needed a key stays, for clocks that differ.
const Grace = time.Hour

// longest bounds a TTL, so that absurd times can't overflow it.
const longest = 10 * 365 * 24 * time.Hour

var (
	//go:embed scripts/rotate.lua
	rotateSource string
	//go:embed scripts/end.lua
	endSource string
	//go:embed scripts/update.lua
	updateSource string
	//go:embed scripts/settle.lua
	settleSource string

	rotateScript = newScript(rotateSource)
	endScript    = newScript(endSource)
	updateScript = newScript(updateSource)
	settleScript = newScript(settleSource)
)

var _ session.Generations = (*Store)(nil)

// newScript writes the rule's numbers and the outcomes into a script, from the
// one place where they are defined.
func newScript(source string) *driver.Script {
	return driver.NewScript(strings.NewReplacer(
		"$FREE", fmt.Sprint(session.FreeRetry.Milliseconds()),
		"$STREAK", fmt.Sprint(session.MostStreak),
		"$EVERY", fmt.Sprint(session.LateEvery),
		"$GRACE", fmt.Sprint(Grace.Milliseconds()),
		"$UNKNOWN", outcome(session.Unknown),
		"$ROTATED", outcome(session.Rotated),
		"$REPLAYED", outcome(session.Replayed),
		"$ADOPTED", outcome(session.Adopted),
		"$OVER", outcome(session.Over),
		"$CLIENT", outcome(session.WrongClient),
		"$KEY", outcome(session.WrongKey),
		"$SCOPE", outcome(session.WiderScope),
		"$AUDIENCE", outcome(session.WiderAudience),
		"$REUSED", outcome(session.Reused),
	).Replace(source))
}

// outcome is a letter for an outcome, as a Lua string.
func outcome(o session.Outcome) string { return fmt.Sprintf("'%c'", 'A'+o) }

// Begin writes the state of a session unless there is one, or an end mark.
func (s *Store) Begin(ctx context.Context, state session.State) error {
	life := ttl(state.NotAfter.Sub(state.Answered)).Milliseconds()
	_, err := s.command(ctx, "begin", "SET", stateKey(state.Session), encodeState(state), "PX", life, "NX") // nil: there was one
	return err
}

// Rotate obeys session.Decide in one script.
func (s *Store) Rotate(ctx context.Context, r session.Rotation) (session.Result, error) {
	keys := []string{stateKey(r.Session), unsettledKey(tagOf(r.Session))}
	reply, err := s.run(ctx, "rotate", rotateScript, keys, r.Generation, who(r.Client, r.BoundKey), list(r.Scope), list(r.Audience),
		r.Key, r.Idle.Milliseconds(), r.Window.Milliseconds(), r.Now.UnixMilli())
	if err != nil {
		return session.Result{}, err
	}
	text, _ := reply.(string)
	result, err := decodeResult(r.Session, text)
	if err != nil {
		return session.Result{}, fmt.Errorf("redis rotate: %w", err)
	}
	return result, nil
}

// decodeResult reads a reply of rotate.lua: a letter for the outcome, and the
// session's value where there is one.
func decodeResult(sid id.Session, reply string) (session.Result, error) {
	if reply == "" || reply[0] < 'A' || reply[0] > 'A'+byte(session.Reused) {
		return session.Result{}, fmt.Errorf("session %s: %w", sid, errState)
	}
	result := session.Result{Outcome: session.Outcome(reply[0] - 'A')}
	if result.Outcome == session.Unknown {
		return result, nil
	}
	var err error
	result.State, err = decodeState(sid, reply[1:])
	return result, err
}

// Look returns the state as it is. Of a session that is only marked as ended, it
// knows no more than that.
func (s *Store) Look(ctx context.Context, sid id.Session) (state session.State, err error) {
	reply, err := s.command(ctx, "look", "GET", stateKey(sid))
	if err != nil {
		return session.State{}, err
	}
	value, there := reply.(string)
	if !there {
		return session.State{}, fmt.Errorf("redis look: %w", session.ErrNotFound)
	}
	return decodeState(sid, value)
}

// End marks sessions as ended. It is called when the ledger knows, so they are
// settled as well.
func (s *Store) End(ctx context.Context, ended []session.Ended) error {
	calls := make([]call, len(ended))
	for i, e := range ended {
		calls[i] = call{s.keysOf(e.ID), []any{string(e.ID), ttl(time.Until(e.Until)).Milliseconds()}}
	}
	return s.runAll(ctx, "end", endScript, calls)
}

// Update gives sessions what is new of their person.
func (s *Store) Update(ctx context.Context, sessions []id.Session, p session.Person) error {
	value := person(p)
	calls := make([]call, len(sessions))
	for i, sid := range sessions {
		calls[i] = call{[]string{stateKey(sid)}, []any{p.Version, value}}
	}
	return s.runAll(ctx, "update", updateScript, calls)
}

func (s *Store) keysOf(sid id.Session) []string {
	return []string{stateKey(sid), unsettledKey(tagOf(sid))}
}

// ttl is how long a key stays that is needed for d.
func ttl(d time.Duration) time.Duration { return min(max(d, 0), longest) + Grace }
