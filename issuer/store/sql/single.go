package sql

import "context"

// alone is an engine on which a change of one statement is a transaction by itself,
// without the two round trips that begin and end another.
type alone interface{ alone() runner }

// single runs a change that is one statement, or one and then others that only read.
func single[T any](ctx context.Context, db *DB, op string, f func(context.Context, runner) (T, error)) (T, error) {
	e, is := db.engine.(alone)
	if !is {
		return change(ctx, db, op, f)
	}
	return read(ctx, db, op, func(ctx context.Context, _ runner) (T, error) { return f(ctx, e.alone()) })
}
