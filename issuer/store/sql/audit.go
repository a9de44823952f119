package sql

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/signet-oidc/signet/issuer/audit"
)

// record writes an event, in the transaction of what happened. Every event is
// written by it. What came from outside may hold any bytes: it is made storable.
func record(ctx context.Context, r runner, e audit.Event) error {
	args, err := eventArgs(e)
	if err != nil {
		return err
	}
	_, err = r.ExecContext(ctx, `INSERT INTO audit (at, kind, actor, user_id, client_id, session_id, reason, address, request_id, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, args...)
	return err
}

func eventArgs(e audit.Event) ([]any, error) {
	detail, err := encoded(e.Detail)
	return []any{
		millis(e.At), clean(string(e.Kind)), clean(e.Actor), clean(string(e.User)), clean(string(e.Client)), clean(string(e.Session)),
		clean(e.Reason), clean(e.Address), clean(e.RequestID), detail,
	}, err
}

type auditLog struct{ db *DB }

var _ audit.Log = auditLog{}

// Append writes one event.
func (l auditLog) Append(ctx context.Context, e audit.Event) error {
	_, err := change(ctx, l.db, "write the audit", func(ctx context.Context, r runner) (int, error) {
		return 0, record(ctx, r, e)
	})
	return err
}

// mostEvents is the most that one call returns.
const mostEvents = 500

// Events returns events, newest first. A Before that is no event's ID comes after
// none of them.
func (l auditLog) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	before := int64(math.MaxInt64)
	if q.Before != "" {
		before, _ = strconv.ParseInt(q.Before, 10, 64)
	}
	where, args := conditions(3, condition{"kind =", string(q.Kind)}, condition{"user_id =", string(q.User)})
	return read(ctx, l.db, "read the audit", func(ctx context.Context, r runner) ([]audit.Event, error) {
		return all(ctx, r, scanEvent, `SELECT id, at, kind, actor, user_id, client_id, session_id, reason, address, request_id, detail
			FROM audit WHERE id < $1`+where+` ORDER BY id DESC LIMIT $2`, append([]any{before, min(max(q.Limit, 1), mostEvents)}, args...)...)
	})
}

func scanEvent(row scanner) (e audit.Event, err error) {
	var number, at int64
	var detail string
	err = row.Scan(&number, &at, &e.Kind, &e.Actor, &e.User, &e.Client, &e.Session, &e.Reason, &e.Address, &e.RequestID, &detail)
	if err != nil {
		return e, err
	}
	e.ID, e.At = strconv.FormatInt(number, 10), instant(at)
	return e, json.NewDecoder(strings.NewReader(detail)).Decode(&e.Detail)
}
