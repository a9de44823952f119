package sql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// which is the conditions of w on sessions s, whose arguments begin at a number.
func which(w session.Which, first int) (where string, args []any) {
	return conditions(first,
		condition{"s.id =", string(w.ID)}, condition{"s.login_id =", string(w.Login)}, condition{"s.user_id =", string(w.User)},
		condition{"s.client_id =", string(w.Client)}, condition{"s.login_id <>", string(w.But)})
}

// condition holds of every row where its value is empty.
type condition struct{ column, value string }

// conditions are those that have a value. Not "($1 = ” OR id = $1)" for each: no
// index would be used for that.
func conditions(first int, all ...condition) (where string, args []any) {
	for _, c := range all {
		if c.value != "" {
			where += fmt.Sprintf(" AND %s $%d", c.column, first+len(args))
			args = append(args, clean(c.value))
		}
	}
	return where, args
}

// endWith ends what w names and records e if anything did end.
func (db *DB) endWith(ctx context.Context, r runner, w session.Which, e audit.Event) ([]session.Ended, error) {
	ended, logins, err := db.end(ctx, r, w, e.At, e.Reason)
	if err != nil || len(ended)+int(logins) == 0 {
		return nil, err
	}
	return ended, record(ctx, r, e)
}

// ending is a session that end has just ended.
type ending struct {
	session.Ended
	login id.Login
}

func scanEnding(row scanner) (e ending, err error) {
	var until int64
	err = row.Scan(&e.ID, &e.Status, &until, &e.login)
	e.Until = instant(until)
	return e, err
}

// end is the one place where sessions end: the live ones that match are marked,
// told to the feed and returned, by id; so are their logins marked, as
// session.Ledger says. It returns how many logins that were.
func (db *DB) end(ctx context.Context, r runner, w session.Which, at time.Time, reason string) (ended []session.Ended, logins int64, err error) {
	where, args := which(w, 3)
	rows, err := all(ctx, r, scanEnding, `UPDATE sessions AS s SET ended_at = $1, reason = $2
		WHERE ended_at IS NULL AND expires > $1`+where+` RETURNING id, status, expires, login_id`, append([]any{millis(at), clean(reason)}, args...)...)
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(rows, func(a, b ending) int { return cmp.Compare(a.ID, b.ID) })
	changes := make([]store.Change, len(rows))
	for i, row := range rows {
		ended = append(ended, row.Ended)
		changes[i] = store.Change{Kind: store.Session, ID: string(row.ID), Version: row.Status}
	}
	if err := db.tell(ctx, r, changes...); err != nil {
		return nil, 0, err
	}
	if w.ID == "" && w.Client == "" {
		logins, err = endNamedLogins(ctx, r, w, at, reason)
	} else {
		logins, err = db.endEmptyLogins(ctx, r, rows, at, reason)
	}
	return ended, logins, err
}

// endNamedLogins ends the logins that w names by user or by themselves.
func endNamedLogins(ctx context.Context, r runner, w session.Which, at time.Time, reason string) (int64, error) {
	where, args := conditions(3, condition{"id =", string(w.Login)}, condition{"user_id =", string(w.User)}, condition{"id <>", string(w.But)})
	return execute(ctx, r, `UPDATE logins SET ended_at = $1, reason = $2 WHERE ended_at IS NULL AND expires > $1`+where,
		append([]any{millis(at), clean(reason)}, args...)...)
}

// endEmptyLogins ends the logins that have no live session left. The login's row
// is locked first: of two that end a login's last two sessions at once, the second
// then sees what the first did.
func (db *DB) endEmptyLogins(ctx context.Context, r runner, rows []ending, at time.Time, reason string) (n int64, err error) {
	logins := make([]id.Login, 0, len(rows))
	for _, row := range rows {
		logins = append(logins, row.login)
	}
	slices.Sort(logins)
	for _, login := range slices.Compact(logins) {
		if _, err := all(ctx, r, scanID[id.Login], `SELECT id FROM logins WHERE id = $1`+db.forUpdate("logins"), login); err != nil {
			return n, err
		}
		one, err := execute(ctx, r, `UPDATE logins SET ended_at = $1, reason = $2 WHERE id = $3 AND ended_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM sessions WHERE login_id = $3 AND ended_at IS NULL AND expires > $1)`, millis(at), clean(reason), login)
		if err != nil {
			return n, err
		}
		n += one
	}
	return n, nil
}

// ids are what Save and Delete return of the ended.
func ids(ended []session.Ended) []id.Session {
	var out []id.Session
	for _, e := range ended {
		out = append(out, e.ID)
	}
	return out
}
