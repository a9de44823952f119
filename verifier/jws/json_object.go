package jws

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Object walks the members of an object; see [Reader].
type Object struct {
	Name string // of the member whose value comes next

	at    int // where the value began; 0 before the first and after the last
	done  bool
	names nameSet
}

// Object opens an object. Each time Next says true, Name is set and one value
// has to be read; a value nobody reads is passed over.
func (r *Reader) Object() Object {
	r.open('{', "not an object")
	return Object{}
}

// Next moves to the next member. It is given the reader that opened the object,
// which it would otherwise drag onto the heap.
func (o *Object) Next(r *Reader) bool {
	if o.at > 0 && o.at == r.pos {
		r.Skip()
	}
	if o.done || r.err != nil {
		return false
	}
	switch c := r.peek(); {
	case c == '}':
		o.at, o.done = 0, r.close()
		return false
	case o.at == 0: // the first
	case c == ',':
		r.pos++
	default:
		r.Fail(malformed("object without comma"))
		return false
	}
	return o.member(r)
}

func (o *Object) member(r *Reader) bool {
	r.peek()
	from := r.pos + 1
	o.Name = r.String()
	if r.peek() != ':' {
		r.Fail(malformed("member without colon"))
		return false
	}
	r.pos++
	if !o.names.add(r, o.Name, from) {
		r.Fail(malformed("a member twice"))
		return false
	}
	r.peek()
	o.at = r.pos
	return r.err == nil
}

// nameSet finds a name that occurs twice. Names are compared without regard to
// case, because many readers do (encoding/json among them): {"sub":…,"Sub":…}
// would be one token to us and another to them.
type nameSet struct {
	seen uint64 // a bit for each name's sketch, so that most names cost no comparison
	odd  bool   // some name isn't plain ASCII, and sketches say nothing about folding
	n    int
	few  [16]namePlace       // where plain names stand in the source
	many map[string]struct{} // the others by foldKey, and all once few is full: hostile objects stay linear
}

// namePlace is a name's place.
type namePlace struct{ from, size uint32 }

// add says whether name, which stands at from in r's source, is new.
func (s *nameSet) add(r *Reader, name string, from int) bool {
	bit := sketch(name)
	plain := !r.odd || isASCII(name) && name == r.src[from:min(from+len(name), len(r.src))]
	s.odd = s.odd || !plain
	if (s.seen&bit != 0 || s.odd) && s.has(r.src, name) {
		return false
	}
	s.seen |= bit
	if s.n == len(s.few) || !plain {
		s.spill(name)
		return true
	}
	s.few[s.n] = namePlace{uint32(from), uint32(len(name))} // no text here has 4 GiB
	s.n++
	return true
}

func (s *nameSet) has(src, name string) bool {
	for _, p := range s.few[:s.n] {
		if !s.odd && int(p.size) != len(name) {
			continue // folding keeps the length of ASCII
		}
		if strings.EqualFold(src[p.from:p.from+p.size], name) {
			return true
		}
	}
	if s.many == nil {
		return false
	}
	_, ok := s.many[foldKey(name)]
	return ok
}

func (s *nameSet) spill(name string) {
	if s.many == nil {
		s.many = make(map[string]struct{})
	}
	s.many[foldKey(name)] = struct{}{}
}

// sketch is one bit of 64 by length, first and last letter: the same for all
// spellings of an ASCII name.
func sketch(name string) (bit uint64) {
	if name == "" {
		return 1
	}
	h := uint(len(name))*11 + uint(name[0]|0x20)*5 + uint(name[len(name)-1]|0x20)
	return 1 << (h & 63)
}

// isASCII is for names in a text where not every string is.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldKey is one spelling for all names that strings.EqualFold takes as equal.
func foldKey(name string) string {
	return strings.Map(func(c rune) rune {
		least := c
		for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}
