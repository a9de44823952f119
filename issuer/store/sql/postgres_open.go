package sql

import (
	"context"
	"fmt"
	"slices"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/session"
)

// openAtOnce is ledger.Open's ordinary case as one statement: the user is there,
// unchanged, and has few sessions; the login is new, or lives, and so does its origin;
// the session's id is new.
// Where it isn't so, a part has no row, on which all that follows depends (or it is an
// error: an id that is taken): nothing is written, and the long way says why.
//
// Rows are locked as on the long way, and the conditions of one that had to be waited
// for are looked at again (read committed). Only the sessions of the user are as they
// were when the statement began, without those that others open meanwhile: that is why
// they must be few.
var (
	openAtOnce = fmt.Sprintf(openText, "", "u")
	// openFrom opens in a login with an origin, which must live. It is no condition of the
	// other, which is much the commoner.
	openFrom = fmt.Sprintf(openText, `origin AS (
	SELECT id FROM logins WHERE id = $33 AND user_id = (SELECT id FROM u) AND ended_at IS NULL AND expires > $30
	FOR NO KEY UPDATE
), `, "u, origin")
)

const openText = `WITH u AS (
	SELECT id FROM users WHERE id = $3 AND ($29::bigint = 0 OR version = $29) AND NOT EXISTS
		(SELECT FROM sessions s WHERE s.user_id = $3 AND s.ended_at IS NULL AND s.expires > $30 OFFSET $31)
	FOR NO KEY UPDATE
), %smade AS (
	INSERT INTO logins (id, user_id, auth_time, amr, cookie, expires, user_agent, origin)
	SELECT $13::text, $14::text, $15::bigint, $16::text, $17::bytea, $18::bigint, $32::text, $33::text FROM %s ON CONFLICT (id) DO NOTHING RETURNING id
), there AS (
	SELECT id FROM logins WHERE id = $13 AND user_id = (SELECT id FROM u) AND ended_at IS NULL AND expires > $30
	FOR NO KEY UPDATE
), opened AS (
	INSERT INTO sessions (id, login_id, user_id, client_id, scope, audience, bound_key, status, auth_time, created, expires, notify)
	SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::boolean
	FROM (SELECT id FROM made UNION ALL SELECT id FROM there) login RETURNING id
)
INSERT INTO audit (at, kind, actor, user_id, client_id, session_id, reason, address, request_id, detail)
SELECT $19::bigint, $20::text, $21::text, $22::text, $23::text, $24::text, $25::text, $26::text, $27::text, $28::text FROM opened`

// fewSessions is the least for openAtOnce that a user may have: others may open as many
// meanwhile as there are connections, of which two replicas have this many.
const fewSessions = 2 * defaultConns

func (e *postgresEngine) openAtOnce(ctx context.Context, l session.Login, s session.Session, most int, ev audit.Event) (bool, error) {
	few := most / 2
	if few < fewSessions || l.ID != s.Login || l.User != s.User {
		return false, nil
	}
	args, err := openArgs(l, s, ev, few)
	if err != nil {
		return false, err
	}
	text := openAtOnce
	if l.Origin != "" {
		text = openFrom
	}
	res, err := e.pool.ExecContext(ctx, text, args...)
	if err != nil {
		if c := e.classify(err); c == duplicate || c == again {
			return false, nil
		}
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func openArgs(l session.Login, s session.Session, ev audit.Event, few int) ([]any, error) {
	about, err := eventArgs(ev)
	return slices.Concat(sessionArgs(s), loginArgs(l), about, []any{l.Proved, millis(ev.At), few}, whence(l)), err
}
