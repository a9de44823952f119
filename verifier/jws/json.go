package jws

import (
	"math"
	"strconv"
	"strings"
)

// Kind is the kind of a JSON value, by its first byte.
type Kind byte

// The kinds of JSON values.
const (
	Invalid    Kind = 0
	Null       Kind = 'n'
	Bool       Kind = 't'
	Number     Kind = '0'
	String     Kind = '"'
	ObjectKind Kind = '{'
	ArrayKind  Kind = '['
)

// Reader reads one JSON text (RFC 8259), strictly: members that occur twice,
// or differ from each other in case alone, trailing data, invalid UTF-8, lone
// surrogates, more than MaxDepth levels and absurd numbers are errors.
//
// The first error stays; whatever is read after it is the zero value, so that
// callers may look at [Reader.End] alone. A Reader doesn't allocate, save for
// strings with escapes and objects with more than sixteen members: the strings
// it gives are parts of its source.
//
//	r := jws.NewReader(src)
//	for m := r.Object(); m.Next(&r); {
//		switch m.Name {
//		case "iss":
//			iss = r.String()
//		} // a value nobody reads is checked and passed over
//	}
//	err := r.End()
type Reader struct {
	src   string
	pos   int
	depth int
	odd   bool // some string so far wasn't plain ASCII, so names need a look each
	err   error
}

// NewReader returns a reader of src.
func NewReader(src string) Reader { return Reader{src: src} }

// Err returns the first error so far.
func (r *Reader) Err() error { return r.err }

// Fail records reason as the reader's error, if it has none yet. It is for
// callers who find a value wrong, so that they have one place to look.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// End says whether the whole text was read and nothing follows it.
func (r *Reader) End() error {
	if r.err == nil {
		r.space()
		if r.pos != len(r.src) {
			r.err = malformed("data after the JSON value")
		}
	}
	return r.err
}

// Kind tells the kind of the next value without reading it.
func (r *Reader) Kind() Kind {
	if r.err != nil {
		return Invalid
	}
	switch c := r.peek(); c {
	case '{', '[', '"', 'n', 't':
		return Kind(c)
	case 'f':
		return Bool
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	return Invalid
}

// peek passes over space and returns the next byte, 0 at the end.
func (r *Reader) peek() byte {
	if r.pos < len(r.src) && r.src[r.pos] > ' ' {
		return r.src[r.pos]
	}
	r.space()
	if r.pos < len(r.src) {
		return r.src[r.pos]
	}
	return 0
}

func (r *Reader) space() {
	for r.pos < len(r.src) {
		switch r.src[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// take reads the byte c, or fails.
func (r *Reader) take(c byte, otherwise malformed) bool {
	if r.err == nil && r.peek() == c {
		r.pos++
		return true
	}
	r.Fail(otherwise)
	return false
}

// Skip checks the next value and passes over it.
func (r *Reader) Skip() {
	switch r.Kind() {
	case ObjectKind:
		for m := r.Object(); m.Next(r); {
			r.Skip()
		}
	case ArrayKind:
		for a := r.Array(); a.Next(r); {
			r.Skip()
		}
	case String:
		_ = r.String()
	case Number:
		_ = r.Number()
	case Bool:
		_ = r.Bool()
	case Null:
		r.literal("null")
	default:
		r.Fail(malformed("not a JSON value"))
	}
}

// Raw checks the next value and returns its text as it stands.
func (r *Reader) Raw() string {
	r.peek()
	start := r.pos
	r.Skip()
	if r.err != nil {
		return ""
	}
	return r.src[start:r.pos]
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	if r.Kind() != Bool {
		r.Fail(malformed("not a boolean"))
		return false
	}
	if r.src[r.pos] == 't' {
		r.literal("true")
		return r.err == nil
	}
	r.literal("false")
	return false
}

func (r *Reader) literal(word string) {
	if r.err == nil && len(r.src)-r.pos >= len(word) && r.src[r.pos:r.pos+len(word)] == word {
		r.pos += len(word)
		return
	}
	r.Fail(malformed("not a JSON value"))
}

// Number reads a number and returns its literal.
func (r *Reader) Number() string {
	if r.Kind() != Number {
		r.Fail(malformed("not a number"))
		return ""
	}
	end, ok := scanNumber(r.src, r.pos)
	if !ok || end-r.pos > MaxNumber || overflows(r.src[r.pos:end]) {
		r.Fail(malformed("absurd number"))
		return ""
	}
	literal := r.src[r.pos:end]
	r.pos = end
	return literal
}

// overflows says whether a number is beyond an IEEE 754 double, which most readers
// make of it (RFC 8259 §6): some would refuse the text, others read infinity.
func overflows(literal string) bool {
	if strings.IndexByte(literal, 'e') < 0 && strings.IndexByte(literal, 'E') < 0 {
		return false // at most 64 digits
	}
	_, err := strconv.ParseFloat(literal, 64)
	return err != nil
}

// scanNumber finds the end of the number at src[i:] by the grammar of RFC 8259 §6.
func scanNumber(src string, i int) (end int, ok bool) {
	if src[i] == '-' {
		i++
	}
	first := i
	if i = digits(src, i); i == first || src[first] == '0' && i > first+1 {
		return i, false
	}
	if i < len(src) && src[i] == '.' {
		start := i + 1
		if i = digits(src, start); i == start {
			return i, false
		}
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		return scanExponent(src, i+1)
	}
	return i, true
}

func scanExponent(src string, i int) (end int, ok bool) {
	if i < len(src) && (src[i] == '+' || src[i] == '-') {
		i++
	}
	end = digits(src, i)
	return end, end > i && end-i <= MaxExponent
}

func digits(src string, i int) int {
	for i < len(src) && src[i]-'0' <= 9 {
		i++
	}
	return i
}

// Uint reads a number that is a whole one from 0 to 2^53-1, written as such.
func (r *Reader) Uint() uint64 {
	if n, ok := r.short(); ok {
		return n
	}
	n, err := strconv.ParseUint(r.Number(), 10, 53)
	if err != nil {
		r.Fail(malformed("not a whole number"))
	}
	return n
}

// maxShort is how many digits short reads: fewer than lastTime has.
const maxShort = 11

// short reads a whole number of a few digits, as most are. If the next value isn't
// one, or isn't written as one, it reads nothing and says so.
func (r *Reader) short() (n uint64, ok bool) {
	if c := r.peek(); r.err != nil || c < '1' || c > '9' {
		return 0, false
	}
	i := r.pos
	for ; i < len(r.src) && r.src[i]-'0' <= 9; i++ {
		n = n*10 + uint64(r.src[i]-'0') // too many digits overflow, and are dropped below
	}
	if i-r.pos > maxShort || i < len(r.src) && (r.src[i] == '.' || r.src[i]|0x20 == 'e') {
		return 0, false
	}
	r.pos = i
	return n, true
}

// lastTime is the end of the year 9999 in seconds since 1970. What lies beyond
// is no time but an attempt at an overflow.
const lastTime = 253402300799

// Time reads a NumericDate (RFC 7519 §2): seconds since 1970, never as a
// string. A fraction is dropped.
func (r *Reader) Time() int64 {
	if n, ok := r.short(); ok {
		return int64(n)
	}
	literal := r.Number()
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || f < 0 || f > lastTime || math.IsNaN(f) {
		r.Fail(malformed("not a time"))
		return 0
	}
	return int64(f)
}

// Array walks the elements of an array; see [Reader].
type Array struct {
	at   int // where the element began; 0 before the first and after the last
	done bool
}

// Array opens an array. Each time Next says true, one value has to be read; a
// value nobody reads is passed over.
func (r *Reader) Array() Array {
	r.open('[', "not an array")
	return Array{}
}

// Next moves to the next element.
func (a *Array) Next(r *Reader) bool {
	if a.at > 0 && a.at == r.pos {
		r.Skip()
	}
	if a.done || r.err != nil {
		return false
	}
	switch c := r.peek(); {
	case c == ']':
		a.at, a.done = 0, r.close()
		return false
	case a.at == 0: // the first
	case c == ',':
		r.pos++
		r.peek()
	default:
		r.Fail(malformed("array without comma"))
		return false
	}
	a.at = r.pos
	return true
}

func (r *Reader) open(c byte, otherwise malformed) {
	if !r.take(c, otherwise) {
		return
	}
	if r.depth++; r.depth > MaxDepth {
		r.Fail(malformed("nested too deeply"))
	}
}

func (r *Reader) close() bool {
	r.pos++
	r.depth--
	return true
}

// Strings reads an array of strings and appends them to dst.
func (r *Reader) Strings(dst []string) []string {
	for a := r.Array(); a.Next(r); {
		dst = append(dst, r.String())
	}
	return dst
}
