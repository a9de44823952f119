package sql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// generations keeps one narrow row a session. All that never changes of a state is
// read from the ledger's row, and the person from the users table, live: no copy of
// them can be stale.
type generations struct{ db *DB }

var _ session.Generations = generations{}

// stateColumns are what scanState reads, of g(enerations), s(essions), u(sers). A
// user that is gone is as one disabled.
const stateColumns = `g.generation, g.key_id, g.not_after, g.answered, g.streak, g.counted, g.late, (g.ended OR s.ended_at IS NOT NULL),
	s.id, s.login_id, s.client_id, s.scope, s.audience, s.bound_key, s.status, s.auth_time, s.expires,
	s.user_id, coalesce(u.roles, '[]'), coalesce(u.disabled, TRUE), coalesce(u.version, 0)`

const selectState = `SELECT ` + stateColumns + `
FROM generations g JOIN sessions s ON s.id = g.session LEFT JOIN users u ON u.id = s.user_id WHERE g.session = $1`

func scanState(row scanner) (session.State, error) {
	var s session.State
	var notAfter, answered, authTime, expires int64
	err := row.Scan(&s.Generation, &s.Key, &notAfter, &answered, &s.Streak, &s.Counted, &s.Late, &s.Ended,
		&s.Session, &s.Login, &s.Client, lists{&s.Scope}, lists{&s.Audience}, &s.BoundKey, &s.Status, &authTime, &expires,
		&s.Person.User, lists{&s.Person.Roles}, &s.Person.Disabled, &s.Person.Version)
	if err != nil {
		return session.State{}, err
	}
	s.NotAfter, s.Answered, s.AuthTime, s.Expires = instant(notAfter), instant(answered), instant(authTime), instant(expires)
	return s, nil
}

// Begin writes a state. Its session must be in the ledger; else
// session.ErrNotFound.
func (g generations) Begin(ctx context.Context, s session.State) error {
	_, err := single(ctx, g.db, "begin generations", func(ctx context.Context, r runner) (int64, error) { return beginIn(ctx, r, s) })
	return err
}

func beginIn(ctx context.Context, r runner, s session.State) (int64, error) {
	n, err := execute(ctx, r, `INSERT INTO generations (session, generation, key_id, not_after, answered, streak, counted, late, ended)
		SELECT id, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST($7 AS BOOLEAN),
			CAST($8 AS BIGINT), CAST($9 AS BOOLEAN) FROM sessions WHERE id = $1 ON CONFLICT (session) DO NOTHING`, stateArgs(s)...)
	if err != nil || n == 1 {
		return n, err
	}
	_, err = one[int](ctx, r, `SELECT 1 FROM sessions WHERE id = $1`, s.Session)
	return 0, notFound(err, session.ErrNotFound)
}

func stateArgs(s session.State) []any {
	return []any{s.Session, int64(s.Generation), int64(s.Key), millis(s.NotAfter), millis(s.Answered),
		int64(s.Streak), s.Counted, int64(s.Late), s.Ended}
}

// Rotate does what session.Decide says: an ordinary rotation in one statement
// where that saves a round trip, anything else in a transaction that holds the row.
func (g generations) Rotate(ctx context.Context, r session.Rotation) (session.Result, error) {
	r.Now = r.Now.Truncate(time.Millisecond) // as it is stored
	r.Idle = r.Idle.Truncate(time.Millisecond)
	if !storable(string(r.Session)) {
		return session.Result{}, nil
	}
	if e, ok := g.db.engine.(atOnce); ok {
		res, err := g.atOnce(ctx, e, r)
		if res.Outcome == session.Rotated || err != nil && g.db.classify(err) != again {
			return res, err
		}
	}
	return change(ctx, g.db, "rotate", func(ctx context.Context, tx runner) (session.Result, error) {
		return g.decide(ctx, tx, r)
	})
}

// atOnce is an engine that does an ordinary rotation in one statement, without a
// transaction. False: it isn't an ordinary one; nothing has changed. (SQLite is
// none: it has no round trip to save, and a change is one commit either way.)
type atOnce interface {
	rotateAtOnce(ctx context.Context, r session.Rotation) (session.State, bool, error)
}

func (g generations) atOnce(ctx context.Context, e atOnce, r session.Rotation) (session.Result, error) {
	return read(ctx, g.db, "rotate", func(ctx context.Context, _ runner) (session.Result, error) {
		s, ok, err := e.rotateAtOnce(ctx, r)
		if err != nil || !ok {
			return session.Result{}, err
		}
		return session.Result{Outcome: session.Rotated, State: s}, nil
	})
}

func (g generations) decide(ctx context.Context, tx runner, r session.Rotation) (session.Result, error) {
	s, err := scanState(tx.QueryRowContext(ctx, selectState+g.db.forUpdate("g"), r.Session))
	if errors.Is(err, sql.ErrNoRows) {
		return session.Result{}, nil
	}
	if err != nil {
		return session.Result{}, err
	}
	res := session.Decide(s, r)
	switch {
	case res.Outcome.Gives():
		_, err = execute(ctx, tx, `UPDATE generations SET generation = $2, key_id = $3, not_after = $4, answered = $5,
			streak = $6, counted = $7, late = $8, ended = $9 WHERE session = $1`, stateArgs(res.State)...)
	case res.Outcome == session.Reused:
		err = g.reused(ctx, tx, res.State, r)
	}
	return res, err
}

// reused ends the family, in the ledger too: where nobody has to be told later,
// nobody can be forgotten.
func (g generations) reused(ctx context.Context, tx runner, s session.State, r session.Rotation) error {
	if _, err := execute(ctx, tx, `UPDATE generations SET ended = TRUE WHERE session = $1`, s.Session); err != nil {
		return err
	}
	e := audit.New(ctx, audit.SessionReuse, r.Now)
	e.User, e.Client, e.Session, e.Reason = s.Person.User, s.Client, s.Session, "reuse"
	_, err := g.db.endWith(ctx, tx, session.Which{ID: s.Session}, e)
	return err
}

// Look returns the state.
func (g generations) Look(ctx context.Context, sid id.Session) (session.State, error) {
	return read(ctx, g.db, "look at a session", func(ctx context.Context, r runner) (session.State, error) {
		if !storable(string(sid)) {
			return session.State{}, session.ErrNotFound
		}
		s, err := scanState(r.QueryRowContext(ctx, selectState, sid))
		return s, notFound(err, session.ErrNotFound)
	})
}

// End marks sessions as ended. Those that the ledger says have ended are so
// already, as a state is read with its ledger row: then this writes nothing.
func (g generations) End(ctx context.Context, ended []session.Ended) error {
	live, err := read(ctx, g.db, "end generations", func(ctx context.Context, r runner) (live []id.Session, err error) {
		for _, e := range ended {
			_, err := one[int](ctx, r, `SELECT 1 FROM sessions WHERE id = $1 AND ended_at IS NULL`, e.ID)
			switch {
			case err == nil:
				live = append(live, e.ID)
			case !errors.Is(err, sql.ErrNoRows):
				return nil, err
			}
		}
		return live, nil
	})
	if err != nil || len(live) == 0 {
		return err
	}
	_, err = change(ctx, g.db, "end generations", func(ctx context.Context, r runner) (int, error) {
		for _, sid := range live {
			if _, err := execute(ctx, r, markEnded, sid); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	return err
}

// markEnded leaves an ended row also where there was none: Begin won't write over
// it.
const markEnded = `INSERT INTO generations (session, generation, key_id, not_after, answered, streak, counted, late, ended)
SELECT id, 0, 0, 0, 0, 0, FALSE, 0, TRUE FROM sessions WHERE id = $1
ON CONFLICT (session) DO UPDATE SET ended = TRUE`

// Update has nothing to do: people are read live.
func (g generations) Update(context.Context, []id.Session, session.Person) error { return nil }
