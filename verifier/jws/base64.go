package jws

import "encoding/binary"

// Decode appends to dst what the base64url text s stands for. Unlike
// encoding/base64 it takes no line breaks; it wants the unpadded form
// (RFC 7515 §2) and the canonical one, whose unused bits are zero, so that two
// spellings never mean the same token.
func Decode(dst []byte, s string) ([]byte, error) {
	if len(s)%4 == 1 {
		return dst, errBase64
	}
	size := len(s) * 3 / 4
	dst = grow(dst, size)
	dst, s, bad := decodeEights(dst, s, size)
	dst, s, bad4 := decodeFours(dst, s)
	dst, rest := decodeTail(dst, s)
	if (bad|bad4)&noDigits != 0 || rest&noDigit != 0 {
		return dst, errBase64
	}
	return dst, nil
}

const errBase64 = malformed("not canonical base64url")

// decodeEights reads eight characters at a time, which the compiler loads at once
// and stores as eight bytes, of which six count: so it stops two bytes before size,
// what all of s will need.
func decodeEights(dst []byte, s string, size int) (_ []byte, rest string, bad uint32) {
	n := len(dst)
	out := dst[n : n+size]
	for len(s) >= 8 && len(out) >= 8 {
		high := place[0][s[0]] | place[1][s[1]] | place[2][s[2]] | place[3][s[3]]
		low := place[0][s[4]] | place[1][s[5]] | place[2][s[6]] | place[3][s[7]]
		bad |= high | low
		binary.BigEndian.PutUint64(out, uint64(high)<<40|uint64(low)<<16)
		s, out, n = s[8:], out[6:], n+6
	}
	return dst[:n], s, bad
}

// decodeFours reads what is left but for two or three characters.
func decodeFours(dst []byte, s string) (_ []byte, rest string, bad uint32) {
	for ; len(s) >= 4; s = s[4:] {
		three := place[0][s[0]] | place[1][s[1]] | place[2][s[2]] | place[3][s[3]]
		bad |= three
		dst = append(dst, byte(three>>16), byte(three>>8), byte(three))
	}
	return dst, s, bad
}

// decodeTail reads the last two or three characters. Its second result has
// noDigit set if they are none, or say more bits than they should.
func decodeTail(dst []byte, s string) ([]byte, byte) {
	switch len(s) {
	case 2:
		a, b := digit[s[0]], digit[s[1]]
		return append(dst, a<<2|b>>4), a | b | nonZero(b&0x0f)
	case 3:
		a, b, c := digit[s[0]], digit[s[1]], digit[s[2]]
		return append(dst, a<<2|b>>4, b<<4|c>>2), a | b | c | nonZero(c&0x03)
	}
	return dst, 0
}

func nonZero(bits byte) byte {
	if bits != 0 {
		return noDigit
	}
	return 0
}

// grow makes room for n more bytes at once; n is bounded by the caller's input.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	bigger := make([]byte, len(dst), len(dst)+n)
	copy(bigger, dst)
	return bigger
}

// noDigit marks a byte outside the alphabet: it is a bit no digit has. noDigits
// does so in place, where no digit reaches the fourth byte.
const (
	noDigit  = 0x80
	noDigits = 1 << 31
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// digit is what a byte stands for.
var digit = func() (t [256]byte) {
	for i := range t {
		t[i] = noDigit
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	return t
}()

// place is what a byte stands for as the first, second, third or fourth of four
// characters, which together are three bytes.
var place = func() (t [4][256]uint32) {
	for p := range t {
		for i, d := range digit {
			if t[p][i] = uint32(d) << (18 - 6*p); d == noDigit {
				t[p][i] = noDigits
			}
		}
	}
	return t
}()
