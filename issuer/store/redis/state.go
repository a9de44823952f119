package redis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// marks are what a session's value begins with. A value of a mark alone is of a
// session that has ended and has no state.
const (
	live      = "0"
	ended     = "1"
	unsettled = "u" // ended for reuse; the ledger doesn't know yet
)

// errState means that a value isn't one that this package wrote.
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

// encodeState returns a session's value. doc.go draws it.
func encodeState(s session.State) string {
	mark := live
	if s.Ended {
		mark = ended
	}
	return fmt.Sprintf("%s %d %d %d %d %d %d %d %d\n%s\n%s\n%s\n%s %d\n%s %d\n%s",
		mark, s.Generation, s.Key, s.NotAfter.UnixMilli(), s.Answered.UnixMilli(), s.Streak, bit(s.Counted), s.Late, s.Expires.UnixMilli(),
		who(s.Client, s.BoundKey), list(s.Scope), list(s.Audience), escape(string(s.Login)), s.Status,
		escape(string(s.Person.User)), s.AuthTime.UnixMilli(), person(s.Person))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// who is all that decides who may present a session's tokens; one comparison
// tells whether it is they.
func who(client id.Client, boundKey string) string {
	return escape(string(client)) + " " + escape(boundKey)
}

// person is the last line of a value, which Update replaces.
func person(p session.Person) string {
	return fmt.Sprintf("%d %d %s", p.Version, bit(p.Disabled), list(p.Roles))
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

// decoder reads the lines of a value and their parts, and remembers whether any
// was bad.
type decoder struct {
	line, after string // what is left of the line, and the lines after it
	bad         bool
}

func (d *decoder) nextLine() {
	d.bad = d.bad || d.line != ""
	d.line, d.after, _ = strings.Cut(d.after, "\n")
}

func (d *decoder) word() string {
	var w string
	w, d.line, _ = strings.Cut(d.line, " ")
	return w
}

func (d *decoder) text() string {
	w := d.word()
	if !strings.Contains(w, "%") {
		return w
	}
	s, err := unescape(w)
	d.bad = d.bad || err != nil
	return s
}

func unescape(w string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(w); i++ {
		if w[i] != '%' {
			b.WriteByte(w[i])
			continue
		}
		if i+3 > len(w) {
			return "", errState
		}
		c, err := strconv.ParseUint(w[i+1:i+3], 16, 8)
		if err != nil {
			return "", errState
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), nil
}

func (d *decoder) integer() int64 {
	n, err := strconv.ParseInt(d.word(), 10, 64)
	d.bad = d.bad || err != nil
	return n
}

func (d *decoder) uint32() uint32 {
	n, err := strconv.ParseUint(d.word(), 10, 32)
	d.bad = d.bad || err != nil
	return uint32(n)
}

func (d *decoder) flag() bool { return d.uint32() == 1 }

func (d *decoder) time() time.Time { return time.UnixMilli(d.integer()).UTC() }

func (d *decoder) list() []string {
	if d.line == "" {
		return nil
	}
	elements := make([]string, 0, strings.Count(d.line, " "))
	for d.line != "" {
		elements = append(elements, d.text())
	}
	return elements
}

// decodeState reads a session's value.
func decodeState(sid id.Session, value string) (session.State, error) {
	s := session.State{Session: sid, Ended: !strings.HasPrefix(value, live)}
	if value == ended {
		return s, nil
	}
	d := decoder{after: value}
	d.nextLine()
	mark := d.word()
	d.bad = mark != live && mark != ended && mark != unsettled
	s.Generation, s.Key, s.NotAfter, s.Answered = d.uint32(), d.uint32(), d.time(), d.time()
	s.Streak, s.Counted, s.Late, s.Expires = d.uint32(), d.flag(), d.uint32(), d.time()
	d.nextLine()
	s.Client, s.BoundKey = id.Client(d.text()), d.text()
	d.nextLine()
	s.Scope = d.list()
	d.nextLine()
	s.Audience = d.list()
	d.nextLine()
	s.Login, s.Status = id.Login(d.text()), d.integer()
	d.nextLine()
	s.Person.User, s.AuthTime = id.User(d.text()), d.time()
	d.nextLine()
	s.Person.Version, s.Person.Disabled, s.Person.Roles = d.integer(), d.flag(), d.list()
	if d.bad || d.after != "" {
		return session.State{}, fmt.Errorf("session %s: %w", sid, errState)
	}
	return s, nil
}
