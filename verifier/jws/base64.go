package jws

// Decode appends to dst what the base64url text s stands for. Unlike
// encoding/base64 it takes no line breaks; it wants the unpadded form
// (RFC 7515 §2) and the canonical one, whose unused bits are zero, so that two
// spellings never mean the same token.
func Decode(dst []byte, s string) ([]byte, error) {
	if len(s)%4 == 1 {
		return dst, errBase64
	}
	dst = grow(dst, len(s)*3/4)
	whole := len(s) / 4 * 3
	out := dst[len(dst) : len(dst)+whole]
	dst = dst[:len(dst)+whole]
	var bad byte
	for len(s) >= 4 && len(out) >= 3 {
		a, b, c, d := digit[s[0]], digit[s[1]], digit[s[2]], digit[s[3]]
		bad |= a | b | c | d
		out[0], out[1], out[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		s, out = s[4:], out[3:]
	}
	dst, rest := decodeTail(dst, s)
	if (bad|rest)&noDigit != 0 {
		return dst, errBase64
	}
	return dst, nil
}

const errBase64 = malformed("not canonical base64url")

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

// noDigit marks a byte outside the alphabet: it is a bit no digit has.
const noDigit = 0x80

var digit = func() (t [256]byte) {
	for i := range t {
		t[i] = noDigit
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	return t
}()
