package redis

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// fields are the members of a session's hash in the order in which rotate.lua
// and Look return them; doc.go says what each holds.
var fields = []string{"d", "x", "w", "s", "a", "l", "u", "p"}

const (
	stateFields = 8
	fieldEnded  = "e"
)

// errState means that a hash isn't one that this package wrote.
var errState = errors.New("a session's state is damaged")

// tagChars are the characters that a sid is made of (see id.Session).
const tagChars = "0123456789abcdefghijklmnopqrstuv"

// oddTag is the partition of what isn't a sid.
const oddTag = "zz"

// tagOf returns the partition of a session.
func tagOf(sid id.Session) string {
	if len(sid) < 2 || !inAlphabet(sid[0]) || !inAlphabet(sid[1]) {
		return oddTag
	}
	return string(sid[:2])
}

func inAlphabet(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'v' }

// tags lists all partitions.
func tags() []string {
	all := make([]string, 0, len(tagChars)*len(tagChars)+1)
	for _, a := range tagChars {
		for _, b := range tagChars {
			all = append(all, string(a)+string(b))
		}
	}
	return append(all, oddTag)
}

func stateKey(sid id.Session) string { return "signet:{" + tagOf(sid) + "}:" + string(sid) }
func unsettledKey(tag string) string { return "signet:{" + tag + "}:unsettled" }

// encodeState returns the fields of a state and their values, in turn.
func encodeState(s session.State) []any {
	return []any{
		"d", dynamic(s),
		"x", s.Expires.UnixMilli(),
		"w", who(s.Client, s.BoundKey),
		"s", list(s.Scope),
		"a", list(s.Audience),
		"l", escape(string(s.Login)) + " " + strconv.FormatInt(s.Status, 10),
		"u", escape(string(s.Person.User)) + " " + strconv.FormatInt(s.AuthTime.UnixMilli(), 10),
		"p", person(s.Person),
	}
}

func dynamic(s session.State) string {
	counted := 0
	if s.Counted {
		counted = 1
	}
	return fmt.Sprintf("%d %d %d %d %d %d %d", s.Generation, s.Key, s.NotAfter.UnixMilli(), s.Answered.UnixMilli(), s.Streak, counted, s.Late)
}

// who is all that decides who may present a session's tokens; one comparison
// tells whether it is they.
func who(client id.Client, boundKey string) string {
	return escape(string(client)) + " " + escape(boundKey)
}

func person(p session.Person) string {
	disabled := " 0 "
	if p.Disabled {
		disabled = " 1 "
	}
	return strconv.FormatInt(p.Version, 10) + disabled + list(p.Roles)
}

// list writes each element followed by a space, so that no element and one
// empty element differ, and " "+list contains " "+element+" " for its elements
// only.
func list(elements []string) string {
	if len(elements) == 0 {
		return ""
	}
	var b strings.Builder
	for _, e := range elements {
		b.WriteString(escape(e))
		b.WriteByte(' ')
	}
	return b.String()
}

// escape writes separators, and % itself, as %XX. Hardly anything has any.
func escape(s string) string {
	if strings.IndexFunc(s, separates) < 0 {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if separates(rune(s[i])) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func separates(c rune) bool { return c <= ' ' || c == '%' }

// decoder reads space-separated parts and remembers whether any was bad.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) word() string {
	var w string
	w, d.rest, _ = strings.Cut(d.rest, " ")
	return w
}

func (d *decoder) text() string {
	w := d.word()
	if !strings.Contains(w, "%") {
		return w
	}
	var b strings.Builder
	for i := 0; i < len(w); i++ {
		if w[i] != '%' {
			b.WriteByte(w[i])
			continue
		}
		if i+3 > len(w) {
			d.bad = true
			return ""
		}
		c, err := strconv.ParseUint(w[i+1:i+3], 16, 8)
		d.bad = d.bad || err != nil
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String()
}

func (d *decoder) integer() int64 {
	n, err := strconv.ParseInt(d.word(), 10, 64)
	d.bad = d.bad || err != nil
	return n
}

func (d *decoder) uint32() uint32 {
	n := d.integer()
	d.bad = d.bad || n < 0 || n > math.MaxUint32
	return uint32(n)
}

func (d *decoder) flag() bool { return d.uint32() == 1 }

func (d *decoder) time() time.Time { return time.UnixMilli(d.integer()).UTC() }

func (d *decoder) list() []string {
	var elements []string
	for d.rest != "" {
		elements = append(elements, d.text())
	}
	return elements
}

// decodeState reads the values of fields, in their order.
func decodeState(sid id.Session, ended bool, v [stateFields]string) (session.State, error) {
	s := session.State{Session: sid, Ended: ended}
	d := decoder{rest: v[0]}
	s.Generation, s.Key = d.uint32(), d.uint32()
	s.NotAfter, s.Answered = d.time(), d.time()
	s.Streak, s.Counted, s.Late = d.uint32(), d.flag(), d.uint32()
	d.rest = v[1]
	s.Expires = d.time()
	d.rest = v[2]
	s.Client, s.BoundKey = id.Client(d.text()), d.text()
	d.rest = v[3]
	s.Scope = d.list()
	d.rest = v[4]
	s.Audience = d.list()
	d.rest = v[5]
	s.Login, s.Status = id.Login(d.text()), d.integer()
	d.rest = v[6]
	s.Person.User, s.AuthTime = id.User(d.text()), d.time()
	d.rest = v[7]
	s.Person.Version, s.Person.Disabled, s.Person.Roles = d.integer(), d.flag(), d.list()
	if d.bad {
		return session.State{}, fmt.Errorf("session %s: %w", sid, errState)
	}
	return s, nil
}
