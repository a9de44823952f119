package sql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
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

// endWith ends the few that w names and records e if anything did end.
func (db *DB) endWith(ctx context.Context, r runner, w session.Which, e audit.Event) ([]session.Ended, error) {
	ended, logins, err := db.end(ctx, r, w, nil, e.At, e.Reason)
	if err != nil || len(ended)+int(logins) == 0 {
		return nil, err
	}
	return ended, record(ctx, r, e)
}

// ending is a session that end has just ended.
type ending struct {
	session.Ended
	login  id.Login
	client id.Client
	user   id.User
	notify bool
}

func scanEnding(row scanner) (e ending, err error) {
	var until int64
	err = row.Scan(&e.ID, &e.Status, &until, &e.login, &e.client, &e.user, &e.notify)
	e.Until = instant(until)
	return e, err
}

// end is the one place where sessions end: the live ones that match, or those of a
// part of them, are marked, told to the feed and returned, by id, with a notice of each
// whose client is to be told; so are their logins marked, as session.Ledger says, with
// a notice of each session that outlives one. It returns how many logins that were.
func (db *DB) end(ctx context.Context, r runner, w session.Which, part []id.Session, at time.Time, reason string) (ended []session.Ended, logins int64, err error) {
	m, err := db.mark(ctx, r, w, part, at, reason)
	if err != nil {
		return nil, 0, err
	}
	byID := func(a, b ending) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(m.rows, byID)
	changes := make([]store.Change, len(m.rows))
	for i, row := range m.rows {
		ended = append(ended, row.Ended)
		changes[i] = store.Change{Kind: store.Session, ID: string(row.ID), Version: row.Status}
	}
	if err := db.tell(ctx, r, changes...); err != nil {
		return nil, 0, err
	}
	told := slices.Concat(m.rows, m.left)
	slices.SortFunc(told, byID)
	return ended, m.logins, notify(ctx, r, told, at)
}

// marked is what a mark has done.
type marked struct {
	rows   []ending // ended
	left   []ending // that live on, though the browser's login that they came from ended
	logins int64    // that ended
}

// mark ends sessions and logins. Where w names logins, by user or by themselves, a
// session may be opened in one after its sessions were ended and before it was: whoever
// opens holds the login's row, which ending it waits for, and then ends that one too.
func (db *DB) mark(ctx context.Context, r runner, w session.Which, part []id.Session, at time.Time, reason string) (m marked, err error) {
	m.rows, err = endRows(ctx, r, w, part, at, reason)
	if err != nil {
		return m, err
	}
	if part != nil || w.ID != "" || w.Client != "" { // an app's logins are nobody's origin
		m.logins, err = db.endEmptyLogins(ctx, r, m.rows, at, reason)
		return m, err
	}
	logins, err := endNamedLogins(ctx, r, w, at, reason)
	m.logins = int64(len(logins))
	if err != nil || len(logins) == 0 {
		return m, err
	}
	late, err := endRows(ctx, r, w, nil, at, reason)
	if err != nil {
		return m, err
	}
	m.rows = append(m.rows, late...)
	m.left, err = outliving(ctx, r, logins, at)
	return m, err
}

// outliving are the live sessions that came from logins and whose clients are to be told
// (OpenID Connect Back-Channel Logout §2.7: their refresh tokens stay good). Who opens
// one holds the login's row meanwhile, so that none is left out.
func outliving(ctx context.Context, r runner, logins []id.Login, at time.Time) (rows []ending, err error) {
	var from []id.Login
	for some := range slices.Chunk(logins, batch) {
		places, args := among(2, some)
		more, err := all(ctx, r, scanID[id.Login], outlivingLogins+places, append([]any{millis(at)}, args...)...)
		if err != nil {
			return nil, err
		}
		from = append(from, more...)
	}
	for some := range slices.Chunk(from, batch) {
		places, args := among(2, some)
		more, err := all(ctx, r, scanEnding, outlivingSessions+places, append([]any{millis(at)}, args...)...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// Not one statement: a planner without statistics would read all sessions for it. And
// mostly there are no such logins.
var (
	outlivingLogins   = `SELECT id FROM logins WHERE ` + live("logins") + ` AND origin IN `
	outlivingSessions = `SELECT id, status, expires, login_id, client_id, user_id, notify FROM sessions
		WHERE notify AND ` + live("sessions") + ` AND login_id IN `
)

// endRows marks the sessions of a part, or without one all that w names.
func endRows(ctx context.Context, r runner, w session.Which, part []id.Session, at time.Time, reason string) (rows []ending, err error) {
	mark := func(where string, args []any) error {
		more, err := all(ctx, r, scanEnding, `UPDATE sessions AS s SET ended_at = $1, reason = $2
			WHERE `+where+` RETURNING id, status, expires, login_id, client_id, user_id, notify`, append([]any{millis(at), clean(reason)}, args...)...)
		rows = append(rows, more...)
		return err
	}
	if part == nil {
		where, args := which(w, 3)
		err = mark("ended_at IS NULL AND expires > $1"+where, args)
		return rows, err
	}
	for some := range slices.Chunk(part, batch) {
		places, args := among(3, some)
		if err := mark("s.id IN "+places+" AND "+live("s"), args); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// live is the condition that a row has neither ended nor expired at $1, for rows that
// are found by a key: the plus signs keep a planner without statistics from reading
// all that live instead.
func live(table string) string {
	return "+" + table + ".ended_at IS NULL AND +" + table + ".expires > $1"
}

// among is a list of ids for IN, whose arguments begin at a number: of one or of
// batch places, the last id filling those that are left over, so that few texts are
// prepared.
func among[T ~string](first int, ids []T) (places string, args []any) {
	n := batch
	if len(ids) == 1 {
		n = 1
	}
	var list strings.Builder
	for i := range n {
		args = append(args, clean(string(ids[min(i, len(ids)-1)])))
		fmt.Fprintf(&list, ", $%d", first+i)
	}
	return "(" + list.String()[2:] + ")", args
}

// endNamedLogins ends the logins that w names by user or by themselves.
func endNamedLogins(ctx context.Context, r runner, w session.Which, at time.Time, reason string) ([]id.Login, error) {
	where, args := conditions(3, condition{"id =", string(w.Login)}, condition{"user_id =", string(w.User)}, condition{"id <>", string(w.But)})
	return all(ctx, r, scanID[id.Login], `UPDATE logins SET ended_at = $1, reason = $2 WHERE ended_at IS NULL AND expires > $1`+where+` RETURNING id`,
		append([]any{millis(at), clean(reason)}, args...)...)
}

// endEmptyLogins ends the logins that have no live session left, but for browsers'.
// Their rows are
// locked first: of two that end a login's last two sessions at once, the second then
// sees what the first did.
func (db *DB) endEmptyLogins(ctx context.Context, r runner, rows []ending, at time.Time, reason string) (n int64, err error) {
	logins := make([]id.Login, 0, len(rows))
	for _, row := range rows {
		logins = append(logins, row.login)
	}
	slices.Sort(logins)
	for some := range slices.Chunk(slices.Compact(logins), batch) {
		places, args := among(1, some)
		if _, err := all(ctx, r, scanID[id.Login], `SELECT id FROM logins WHERE id IN `+places+` ORDER BY id`+db.forUpdate("logins"), args...); err != nil {
			return n, err
		}
		// A count, not NOT EXISTS: a planner without statistics would join them to
		// all sessions.
		places, args = among(3, some)
		one, err := execute(ctx, r, `UPDATE logins SET ended_at = $1, reason = $2 WHERE id IN `+places+` AND +ended_at IS NULL AND cookie IS NULL
			AND (SELECT count(*) FROM sessions s WHERE s.login_id = logins.id AND `+live("s")+`) = 0`,
			append([]any{millis(at), clean(reason)}, args...)...)
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
