package jws

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string.
func (r *Reader) String() string {
	if r.err != nil || r.peek() != '"' {
		r.Fail(malformed("not a string"))
		return ""
	}
	rest := r.src[r.pos+1:]
	for i := range len(rest) {
		if !special[rest[i]] {
			continue
		}
		if rest[i] == '"' {
			r.pos += i + 2
			return rest[:i]
		}
		start := r.pos + 1
		r.pos = start + i
		return r.escaped(start)
	}
	r.Fail(malformed("string without end"))
	return ""
}

// special are the bytes that end or interrupt a plain string.
var special = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// escaped reads on where a string that began at start meets its first special byte.
func (r *Reader) escaped(start int) string {
	r.ascii = false // an escape may stand for anything
	out := append(make([]byte, 0, 64), r.src[start:r.pos]...)
	for r.err == nil && r.pos < len(r.src) {
		c := r.src[r.pos]
		r.pos++
		switch {
		case c == '"':
			return string(out)
		case c == '\\':
			out = r.escape(out)
		case c < 0x20:
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
