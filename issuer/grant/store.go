package grant

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound means that there is no such thing, or no more.
	ErrNotFound = errors.New("not there, or no more")
	// ErrTooLong means that a document is over MaxDocument.
	ErrTooLong = errors.New("too long to be kept")
)

// MaxDocument is the most bytes of a document.
const MaxDocument = 64 << 10

// Store keeps documents until they expire. Redis does; where there is none, SQL. A
// name is up to 128 characters of A-Z a-z 0-9 - _ : and is no secret.
type Store interface {
	// Put keeps a document, of at most MaxDocument, until a time, in the place of what the
	// name had.
	Put(ctx context.Context, name string, document []byte, now, until time.Time) error
	// Get returns a document that lives at now, or ErrNotFound.
	Get(ctx context.Context, name string, now time.Time) ([]byte, error)
	// Take is Get and removes the document: of any number of calls at once, one gets
	// it.
	Take(ctx context.Context, name string, now time.Time) ([]byte, error)
	// Once remembers a name until a time, and tells whether it was new (or had been
	// remembered until now or before): of any number of calls at once, one is told so.
	Once(ctx context.Context, name string, now, until time.Time) (first bool, err error)
}
