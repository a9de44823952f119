package flow

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
)

// ErrNoList means that a status list isn't published (any more).
var ErrNoList = errors.New("no such status list")

const (
	// ListPoll is how long a reader may go on without asking for a list again.
	ListPoll = 5 * time.Second
	// listPause is how often a list is signed at most, however fast its bits change.
	listPause = 250 * time.Millisecond
)

// SignedList is a status list token, ready to be served.
type SignedList struct {
	Token  string
	ETag   string // list number, version of its bits, term and key of its signature
	MaxAge time.Duration

	version int64
	term    int64
	kid     string
	signed  time.Time
}

// StatusLists signs status lists anew when a bit changed or a term, half their
// life, is over. The term is in the ETag, or a reader would be told "not modified"
// until the exp of what it has is past; terms begin at the same moments everywhere,
// so that replicas agree on ETags. A list is also signed anew when another key signs:
// the last one may have been revoked, and then nobody could check the list.
type StatusLists struct {
	Bits      *session.Bits
	Minter    *token.Minter
	Algorithm func() keys.Algorithm
	Life      time.Duration
	Now       func() time.Time

	mu     sync.Mutex // guards signed, and that a list is signed once
	signed map[int64]SignedList
}

// List returns a list's token, or ErrNoList.
func (s *StatusLists) List(number int64) (SignedList, error) {
	version, ok := s.Bits.Version(number)
	if !ok {
		return SignedList{}, ErrNoList
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	l, ok := s.signed[number]
	current := l.version == version || now.Sub(l.signed) < listPause
	kid := s.Minter.Signing(s.Algorithm(), now)
	if ok && current && l.term == s.term(now) && l.kid == kid {
		return l, nil
	}
	l, err := s.sign(number, kid, now)
	if err != nil {
		return SignedList{}, err
	}
	if s.signed == nil {
		s.signed = map[int64]SignedList{}
	}
	s.signed[number] = l
	return l, nil
}

func (s *StatusLists) term(now time.Time) int64 { return now.UnixNano() / int64(s.Life/2) }

func (s *StatusLists) sign(number int64, kid string, now time.Time) (SignedList, error) {
	bits, version, ok := s.Bits.List(number)
	if !ok {
		return SignedList{}, ErrNoList
	}
	signed, err := s.Minter.StatusList(s.Algorithm(), token.StatusList{
		Number: number, Bits: bits, Version: version, Issued: now, Expires: now.Add(s.Life), TTL: ListPoll,
	})
	etag := fmt.Sprintf(`"%d-%d-%d-%.8s"`, number, version, s.term(now), kid)
	return SignedList{Token: signed, ETag: etag, MaxAge: ListPoll, version: version, term: s.term(now), kid: kid, signed: now}, err
}
