package jws

import (
	"crypto"
	"strings"
)

// Parts is a compact token taken apart. Nothing in it may be believed yet.
type Parts struct {
	Header    string // base64url, not decoded
	Claims    string // base64url, not decoded
	Signature string // base64url, not decoded
	Signed    string // Header "." Claims: what the signature is over (RFC 7515 §5.2)
}

// Split takes a compact token apart: three parts that aren't empty. It looks at
// the size and the dots alone; each part's alphabet is checked where it is decoded.
func Split(raw string) (Parts, error) { return SplitUpTo(raw, MaxToken) }

// SplitUpTo is Split for what the caller fetched itself, such as a status list,
// and may be as large as limit.
func SplitUpTo(raw string, limit int) (Parts, error) {
	if len(raw) > limit {
		return Parts{}, malformed("too large")
	}
	// Not LastIndexByte: it goes byte by byte, and the signature is long.
	first := strings.IndexByte(raw, '.')
	last := first + 1 + strings.IndexByte(raw[first+1:], '.')
	if first <= 0 || last <= first+1 || last == len(raw)-1 || strings.IndexByte(raw[last+1:], '.') >= 0 {
		return Parts{}, malformed("not three parts joined by dots")
	}
	return Parts{
		Header:    raw[:first],
		Claims:    raw[first+1 : last],
		Signature: raw[last+1:],
		Signed:    raw[:last],
	}, nil
}

// Payload decodes the second part. Ask for it once the signature has held.
func (p Parts) Payload() (string, error) {
	decoded, err := Decode(nil, p.Claims)
	if err != nil {
		return "", err
	}
	return textOf(decoded), nil
}

// Verify checks the signature by alg with key: a *rsa.PublicKey,
// *ecdsa.PublicKey or ed25519.PublicKey. The caller has decided that alg is
// allowed and that key is whose it should be.
//
// It returns an error that wraps ErrMalformed, ErrAlgorithm (alg isn't known, or
// not for this type of key) or ErrSignature.
func (p Parts) Verify(alg string, key crypto.PublicKey) error {
	var room [512]byte // on the stack: the signature of RSA 4096; a longer one gets its own
	w := newWorkspace()
	defer workspaces.Put(w)
	sig, err := Decode(room[:0], p.Signature)
	if err != nil {
		return err
	}
	err = w.verify(alg, key, bytesOf(p.Signed), sig)
	if err != nil && !inAlphabet(p.Claims) {
		return errBase64 // looked at only now, so that a good token needn't wait for it
	}
	return err
}

func inAlphabet(s string) bool {
	for i := range len(s) {
		if digit[s[i]] == noDigit {
			return false
		}
	}
	return true
}

// Header is the protected header of a token.
type Header struct {
	Algorithm string // alg, never empty
	KeyID     string // kid, "" if absent
	Type      string // typ, "" if absent
	JWK       string // jwk as it stands, "" if absent; only with EmbeddedKey
}

// EmbeddedKey says whether a header may, or may not, carry its own key.
type EmbeddedKey bool

// A DPoP proof carries its key (RFC 9449 §4.2). Anything else that does is a
// forgery that asks to be believed (RFC 8725 §3.10).
const (
	WithoutKey EmbeddedKey = false
	WithKey    EmbeddedKey = true
)

// maxHeader bounds a header's base64url; with a key of RSA 8192 it needs 2 KiB.
const maxHeader = 4 << 10

// ReadHeader reads a header. It refuses what this package doesn't do: crit with
// anything in it (RFC 7515 §4.1.11), b64 (RFC 7797), zip, and keys by reference
// or certificate (jku, x5u, x5c), which are never followed.
func ReadHeader(b64 string, key EmbeddedKey) (Header, error) {
	if len(b64) > maxHeader {
		return Header{}, malformed("header larger than 4 KiB")
	}
	decoded, err := Decode(nil, b64)
	if err != nil {
		return Header{}, err
	}
	return parseHeader(textOf(decoded), key)
}

func parseHeader(text string, key EmbeddedKey) (Header, error) {
	// Space around the object would be JSON, but some readers (jwx) lose it before they
	// check the signature, and no writer makes it.
	if text == "" || text[0] != '{' || text[len(text)-1] != '}' {
		return Header{}, malformed("header isn't a JSON object")
	}
	var h Header
	r := NewReader(text)
	for m := r.Object(); m.Next(&r); {
		h.member(&r, m.Name, key)
	}
	if err := r.End(); err != nil {
		return Header{}, err
	}
	if h.Algorithm == "" {
		return Header{}, malformed("header without alg")
	}
	if bool(key) != (h.JWK != "") {
		return Header{}, malformed("header without jwk")
	}
	return h, nil
}

func (h *Header) member(r *Reader, name string, key EmbeddedKey) {
	switch name {
	case "alg":
		h.Algorithm = r.String()
	case "kid":
		h.KeyID = r.String()
	case "typ":
		h.Type = r.String()
	case "cty", "x5t", "x5t#S256", "nonce", "url": // RFC 7515 §4.1, RFC 8555 §6.4.1
		_ = r.String() // of the right type, and otherwise nothing to us
	case "crit", "b64", "zip", "jku", "x5u", "x5c":
		r.Fail(malformed("header with " + name))
	case "jwk":
		h.embedded(r, key)
	default:
		if Folded(name, headerNames) {
			r.Fail(malformed("header name in other case"))
		}
	}
}

var headerNames = []string{"alg", "kid", "typ", "cty", "crit", "b64", "zip", "jku", "x5u", "x5c", "jwk"}

func (h *Header) embedded(r *Reader, key EmbeddedKey) {
	if key == WithoutKey || r.Kind() != ObjectKind {
		r.Fail(malformed("header with jwk"))
		return
	}
	h.JWK = r.Raw()
}

// Folded says whether name is one of names but for its case. Such a member is
// nothing to us and everything to a reader that folds case, so callers refuse
// it. Names of small letters, digits and _ are dismissed at once.
func Folded(name string, names []string) bool {
	if plain(name) {
		return false
	}
	for _, known := range names {
		if known != name && strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}

func plain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' || c >= 0x80 {
			return false
		}
	}
	return true
}
