package jws

import (
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// One of each byte of eight: what is looked for eight bytes at a time.
const (
	ones        = 0x0101010101010101
	tops        = 0x80 * ones // the bits that ASCII doesn't have
	spaces      = ' ' * ones
	quotes      = '"' * ones
	backslashes = '\\' * ones
)

// specials has the top bit set of the first byte of eight that ends or interrupts a
// plain string: a quote, a backslash, a control character, or what isn't ASCII. A
// subtraction sets a byte's top bit if it borrows; that misleads the bytes above
// it at most, so the first is always right.
func specials(eight uint64) uint64 {
	return (eight | (eight - spaces) | ((eight ^ quotes) - ones) | ((eight ^ backslashes) - ones)) & tops
}

// String reads a string.
func (r *Reader) String() string {
	if r.err != nil || r.peek() != '"' {
		r.Fail(malformed("not a string"))
		return ""
	}
	src, i := r.src, r.pos+1
	for ; i <= len(src)-8; i += 8 {
		s := src[i : i+8] // the compiler makes one load of it
		found := specials(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
		if found != 0 {
			i += bits.TrailingZeros64(found) / 8
			break
		}
	}
	for i < len(src) && !special[src[i]] {
		i++
	}
	if i == len(src) || src[i] != '"' {
		return r.interrupted()
	}
	s := src[r.pos+1 : i]
	r.pos = i + 1
	return s
}

// special are the bytes that end or interrupt a plain string.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return t
}()

// interrupted reads a string that isn't plain ASCII.
func (r *Reader) interrupted() string {
	r.odd = true
	start := r.pos + 1
	for r.pos = start; r.pos < len(r.src); r.pos++ {
		switch c := r.src[r.pos]; {
		case c == '"':
			r.pos++
			return r.valid(r.src[start : r.pos-1])
		case c == '\\':
			return r.valid(r.escaped(start))
		case c < ' ':
			r.Fail(malformed("control character in a string"))
			return ""
		}
	}
	r.Fail(malformed("string without end"))
	return ""
}

// valid is s if it is UTF-8. An escape never makes it so: it stands for whole
// characters.
func (r *Reader) valid(s string) string {
	if !utf8.ValidString(s) {
		r.Fail(malformed("invalid UTF-8"))
		return ""
	}
	return s
}

// escaped reads on where a string that began at start meets its first backslash.
func (r *Reader) escaped(start int) string {
	out := append(make([]byte, 0, 64), r.src[start:r.pos]...)
	for r.err == nil && r.pos < len(r.src) {
		c := r.src[r.pos]
		r.pos++
		switch {
		case c == '"':
			return string(out)
		case c == '\\':
			out = r.escape(out)
		case c < ' ':
			r.Fail(malformed("control character in a string"))
		default:
			out = append(out, c)
		}
	}
	r.Fail(malformed("string without end"))
	return ""
}

// escape reads what follows a backslash (RFC 8259 §7).
func (r *Reader) escape(out []byte) []byte {
	if r.pos >= len(r.src) {
		return out
	}
	c := r.src[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
		return append(out, c)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		return utf8.AppendRune(out, r.codePoint())
	}
	r.Fail(malformed("unknown escape"))
	return out
}

// codePoint reads four hex digits, and a second escape where they are the first
// half of a surrogate pair. A half alone stands for nothing, and is refused.
func (r *Reader) codePoint() rune {
	c := r.hex4()
	if !utf16.IsSurrogate(c) {
		return c
	}
	if len(r.src)-r.pos >= 2 && r.src[r.pos:r.pos+2] == `\u` {
		r.pos += 2
		if pair := utf16.DecodeRune(c, r.hex4()); pair != utf8.RuneError {
			return pair
		}
	}
	r.Fail(malformed("half of a surrogate pair"))
	return 0
}

func (r *Reader) hex4() rune {
	if len(r.src)-r.pos < 4 {
		r.Fail(malformed("string without end"))
		return 0
	}
	n, err := strconv.ParseUint(r.src[r.pos:r.pos+4], 16, 32)
	if err != nil {
		r.Fail(malformed("not four hex digits"))
		return 0
	}
	r.pos += 4
	return rune(n)
}
