package grant

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// mostRecent bounds the codes that a replica remembers, some two kilobytes each: those
// of the last seconds, even in a rush. An older one is read from the store.
const mostRecent = 4096

// Recent is what a replica remembers of the codes that it gave itself, so that
// whoever exchanges one here, as nearly all do within a second, needs no store to ask.
// It can't be stale: a code never changes, and that it is used once is the ledger's to
// say. It is safe for concurrent use; nil remembers nothing.
type Recent struct {
	codes *lru.Cache[string, recent]
}

type recent struct {
	code  Code
	until time.Time
}

// NewRecent returns an empty memory.
func NewRecent() *Recent {
	codes, err := lru.New[string, recent](mostRecent)
	if err != nil {
		panic(err) // for a size below one alone
	}
	return &Recent{codes}
}

func (r *Recent) keep(name string, c Code, until time.Time) {
	if r != nil {
		r.codes.Add(name, recent{c, until})
	}
}

// code returns what is remembered of a code; nobody may write to its slices.
func (r *Recent) code(name string, now time.Time) (Code, bool) {
	if r == nil {
		return Code{}, false
	}
	c, known := r.codes.Get(name)
	return c.code, known && now.Before(c.until)
}
