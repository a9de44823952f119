package leaks

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

const (
	// minSecret bytes make a part of a secret tell-tale: fewer turn up by chance.
	minSecret = 8
	// shown is how much of a hit's surroundings is reported.
	shown = 60
)

// Secrets are what is searched for. The zero value holds none.
type Secrets struct {
	needles []needle
}

// needle is one form of one secret. Case isn't regarded, for hex: no two of these
// texts differ in case alone.
type needle struct{ name, form, text string }

// AddText takes in a secret that is text: a password or a token.
func (s *Secrets) AddText(name, text string) {
	if len(text) < minSecret {
		panic("leaks: " + name + " is too short to be told from chance")
	}
	s.add(name, "as it is", text)
	s.add(name, "cut to half", text[len(text)-max(minSecret, len(text)/2):])
	s.AddBytes(name, []byte(text))
}

// AddBytes takes in a secret that is bytes, in all forms in which they may show.
func (s *Secrets) AddBytes(name string, b []byte) {
	s.add(name, "raw", string(b))
	s.add(name, "hex", hex.EncodeToString(b))
	s.add(name, "%v of bytes", strings.Trim(fmt.Sprintf("%v", b), "[]"))
	s.add(name, "%#v of bytes", strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}"))
	for shift := range 3 {
		s.addBase64(name, b, shift)
	}
}

// addBase64 takes in the base64 of something that holds the bytes at any place:
// what stands before them shifts them by 0, 1 or 2 bytes, and the characters at
// both ends depend on what is beside them.
func (s *Secrets) addBase64(name string, b []byte, shift int) {
	text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), b...))
	text = text[2*shift : len(text)-2]
	s.add(name, "base64", text)
	s.add(name, "base64url", strings.NewReplacer("+", "-", "/", "_").Replace(text))
}

// AddNumber takes in a secret that is a number of a key.
func (s *Secrets) AddNumber(name string, n *big.Int) {
	s.AddBytes(name, n.Bytes())
	s.add(name, "decimal", n.String())
}

// AddRSA takes in all that is private in a key (RFC 7518 §6.3.2). Any encoding
// of it (JWK, PKCS #1, PKCS #8, PEM) holds these bytes.
func (s *Secrets) AddRSA(name string, key *rsa.PrivateKey) {
	key.Precompute()
	for part, n := range map[string]*big.Int{
		"d": key.D, "p": key.Primes[0], "q": key.Primes[1],
		"dp": key.Precomputed.Dp, "dq": key.Precomputed.Dq, "qi": key.Precomputed.Qinv,
	} {
		s.AddNumber(name+" "+part, n)
	}
}

// AddECDSA takes in all that is private in a key (RFC 7518 §6.2.2).
func (s *Secrets) AddECDSA(name string, key *ecdsa.PrivateKey) error {
	d, err := key.Bytes()
	if err != nil {
		return err
	}
	s.AddBytes(name+" d", d)
	s.AddNumber(name+" d", new(big.Int).SetBytes(d))
	return nil
}

func (s *Secrets) add(name, form, text string) {
	s.needles = append(s.needles, needle{name, form, strings.ToLower(text)})
}

// unwrap takes out what breaks the lines of PEM, also within JSON.
var unwrap = strings.NewReplacer("\r", "", "\n", "", `\r`, "", `\n`, "")

// Find returns a line for each secret that a text holds, without the secret.
func (s *Secrets) Find(where, text string) (found []string) {
	whole := strings.ToLower(unwrap.Replace(text))
	for _, n := range s.needles {
		if i := strings.Index(whole, n.text); i >= 0 {
			found = append(found, fmt.Sprintf("%s holds %s (%s), after %q", where, n.name, n.form, whole[max(0, i-shown):i]))
		}
	}
	return found
}
