package sql

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// millis is how a time is stored.
func millis(t time.Time) int64 { return t.UnixMilli() }

// instant is a stored time.
func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// maybe is a stored time that may be NULL: the zero time.
func maybe(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return instant(ms.Int64)
}

// list is how a list is stored: JSON, never null.
func list(v []string) string {
	if len(v) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(v) // strings always marshal
	return string(b)
}

// storable tells whether a text can stand in a database: PostgreSQL refuses NUL
// and invalid UTF-8. What can't stand in one is in none.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// clean makes any text storable; for what is recorded and not compared.
func clean(s string) string {
	if storable(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// lists is a column that list wrote, as a destination of Scan.
type lists struct{ into *[]string }

// Scan implements sql.Scanner.
func (l lists) Scan(src any) error {
	s, ok := src.(string)
	if b, is := src.([]byte); is {
		s, ok = string(b), true
	}
	if !ok {
		return fmt.Errorf("a list is stored as text, not %T", src)
	}
	if s == "[]" {
		*l.into = []string{}
		return nil
	}
	return json.Unmarshal([]byte(s), l.into)
}

// encoded is how a value is stored as a document: JSON.
func encoded(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// object is a column that encoded wrote, as a destination of Scan.
type object[T any] struct{ into *T }

// Scan implements sql.Scanner.
func (d object[T]) Scan(src any) error {
	switch src := src.(type) {
	case string:
		return json.Unmarshal([]byte(src), d.into)
	case []byte:
		return json.Unmarshal(src, d.into)
	}
	return fmt.Errorf("a document is stored as text, not %T", src)
}

// notFound says a noun's own error where there is no row.
func notFound(err, says error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return says
	}
	return err
}
