package jws

import (
	"strings"
	"unicode"
)

// Object walks the members of an object; see [Reader].
type Object struct {
	Name string // of the member whose value comes next

	at    int // where the value began
	begun bool
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
	if o.begun && !o.done && r.err == nil && r.pos == o.at {
		r.Skip()
	}
	if o.done || r.err != nil {
		return false
	}
	if r.peek() == '}' {
		o.done = r.close()
		return false
	}
	if o.begun && !r.take(',', "object without comma") {
		return false
	}
	return o.member(r)
}

func (o *Object) member(r *Reader) bool {
	o.Name = r.String()
	if !r.take(':', "member without colon") {
		return false
	}
	if !o.names.add(o.Name, r.ascii) {
		r.Fail(malformed("a member twice"))
		return false
	}
	o.begun = true
	r.peek()
	o.at = r.pos
	return r.err == nil
}

// nameSet finds a name that occurs twice. Names are compared without regard to
// case, because many readers do (encoding/json among them): {"sub":…,"Sub":…}
// would be one token to us and another to them.
type nameSet struct {
	seen uint64 // a bit for each name's sketch, so that most names cost no comparison
	odd  bool   // some name isn't ASCII, and sketches say nothing about folding
	n    int
	few  [16]string
	many map[string]struct{} // by foldKey, once few is full: hostile objects stay linear
}

// add says whether name is new. ascii says that it is known to be ASCII.
func (s *nameSet) add(name string, ascii bool) bool {
	bit := sketch(name)
	s.odd = s.odd || !ascii && !isASCII(name)
	if (s.seen&bit != 0 || s.odd) && s.has(name) {
		return false
	}
	s.seen |= bit
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return true
	}
	s.spill(name)
	return true
}

func (s *nameSet) has(name string) bool {
	for _, known := range s.few[:s.n] {
		if known == name || strings.EqualFold(known, name) {
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
