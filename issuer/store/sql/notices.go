package sql

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

type notices struct{ db *DB }

var _ session.Notices = notices{}

// notify writes a notice for each session whose client asked for one, due at once, in the
// transaction that ended it or its origin. One of the origin's end may still be waiting
// when the session ends: then it is as new.
func notify(ctx context.Context, r runner, rows []ending, at time.Time) error {
	var told []ending
	for _, row := range rows {
		if row.notify {
			told = append(told, row)
		}
	}
	for part := range slices.Chunk(told, batch) {
		args := []any{millis(at)}
		var places strings.Builder
		for i, row := range part {
			if i > 0 {
				places.WriteString(", ")
			}
			n := len(args)
			places.WriteString("($" + strconv.Itoa(n+1) + ", $" + strconv.Itoa(n+2) + ", $" + strconv.Itoa(n+3) + ", $1, $1, 0)")
			args = append(args, row.ID, row.client, row.user)
		}
		if _, err := r.ExecContext(ctx, `INSERT INTO notices (session, client_id, user_id, ended, due, tries) VALUES `+places.String()+
			` ON CONFLICT (session) DO UPDATE SET ended = excluded.ended, due = excluded.due, tries = 0`, args...); err != nil {
			return err
		}
	}
	return nil
}

func scanNotice(row scanner) (n session.Notice, err error) {
	var ended int64
	err = row.Scan(&n.Session, &n.Client, &n.User, &ended, &n.Tries)
	n.Ended = instant(ended)
	return n, err
}

// Due looks first: it is asked all the time, and mostly there is nothing.
func (s notices) Due(ctx context.Context, now, lease time.Time, limit int) ([]session.Notice, error) {
	_, err := read(ctx, s.db, "look for notices", func(ctx context.Context, r runner) (int, error) {
		return one[int](ctx, r, `SELECT 1 FROM notices WHERE due <= $1 LIMIT 1`, millis(now))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return change(ctx, s.db, "claim notices", func(ctx context.Context, r runner) ([]session.Notice, error) {
		return s.claim(ctx, r, now, lease, limit)
	})
}

// claim puts off those that it returns; what another is claiming is passed over.
func (s notices) claim(ctx context.Context, r runner, now, lease time.Time, limit int) ([]session.Notice, error) {
	lock := s.db.forUpdate("notices")
	if lock != "" {
		lock += " SKIP LOCKED"
	}
	due, err := all(ctx, r, scanNotice, `SELECT session, client_id, user_id, ended, tries FROM notices
		WHERE due <= $1 ORDER BY due, session LIMIT $2`+lock, millis(now), limit)
	if err != nil {
		return nil, err
	}
	sids := make([]id.Session, len(due))
	for i, n := range due {
		sids[i] = n.Session
	}
	for some := range slices.Chunk(sids, batch) {
		places, args := among(2, some)
		if _, err := execute(ctx, r, `UPDATE notices SET due = $1 WHERE session IN `+places, append([]any{millis(lease)}, args...)...); err != nil {
			return nil, err
		}
	}
	return due, nil
}

// Later puts one off.
func (s notices) Later(ctx context.Context, sid id.Session, next time.Time) error {
	return s.exec(ctx, "put off a notice", `UPDATE notices SET due = $2, tries = tries + 1 WHERE session = $1`, clean(string(sid)), millis(next))
}

// Done forgets one.
func (s notices) Done(ctx context.Context, sid id.Session) error {
	return s.exec(ctx, "forget a notice", `DELETE FROM notices WHERE session = $1`, clean(string(sid)))
}

func (s notices) exec(ctx context.Context, op, query string, args ...any) error {
	_, err := single(ctx, s.db, op, func(ctx context.Context, r runner) (int64, error) { return execute(ctx, r, query, args...) })
	return err
}
