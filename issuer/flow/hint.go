package flow

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier/jws"
)

// ErrHint means that what was given as id_token_hint is no ID token of ours.
var ErrHint = errors.New("not an ID token of this issuer")

// HintKeys are the keys that ID tokens may have been signed with.
type HintKeys interface {
	// HintKey returns a published or a removed key, or ErrHint where there is none or it
	// was revoked. Where that can't be told, for a ring that is too old, it is another
	// error.
	HintKey(kid string) (crypto.PublicKey, keys.Algorithm, error)
}

// Hint is what an ID token says of who was logged in (OpenID Connect Core §3.1.2.1,
// RP-Initiated Logout §2). Whoever has seen one has it, in a log or an address bar: it
// proves nothing about who sends it.
type Hint struct {
	Subject id.User
	Client  id.Client  // its audience
	Session id.Session // empty: it doesn't say
}

// Hint reads an ID token of ours, or says ErrHint. It may have expired (RP-Initiated
// Logout §2: "the OP SHOULD accept ID Tokens when the RP identified by the ID Token's
// aud claim and/or sid claim has a current session or had a recent session").
func (f *Flow) Hint(_ context.Context, raw string) (Hint, error) {
	parts, err := jws.Split(raw)
	if err != nil {
		return Hint{}, noHint(err)
	}
	if err := f.signedHint(parts); err != nil {
		return Hint{}, err
	}
	text, err := parts.Payload()
	if err != nil {
		return Hint{}, noHint(err)
	}
	c, err := readHint(text)
	if err != nil {
		return Hint{}, noHint(err)
	}
	return c.hint(f.Issuer)
}

func noHint(err error) error { return fmt.Errorf("%w: %w", ErrHint, err) }

// signedHint checks header and signature: the algorithm is the key's own (RFC 8725
// §3.1), and the type an ID token's, which access, logout and status list tokens aren't
// (§3.11).
func (f *Flow) signedHint(parts jws.Parts) error {
	h, err := jws.ReadHeader(parts.Header, jws.WithoutKey)
	if err != nil {
		return noHint(err)
	}
	if h.Type != discovery.TypeIDToken && h.Type != "" {
		return fmt.Errorf("%w: it is a %.30q", ErrHint, h.Type)
	}
	key, alg, err := f.HintKeys.HintKey(h.KeyID)
	if err != nil {
		return err
	}
	if h.Algorithm != string(alg) {
		return fmt.Errorf("%w: %.16q isn't its key's algorithm", ErrHint, h.Algorithm)
	}
	if err := parts.Verify(h.Algorithm, key); err != nil {
		return noHint(err)
	}
	return nil
}

// hintClaims are those of an ID token (OpenID Connect Core §2) that matter here.
type hintClaims struct {
	issuer, subject, session string
	audience                 []string
	expires                  bool // it has an exp
}

var hintNames = []string{"iss", "sub", "aud", "exp", "sid"}

func readHint(text string) (c hintClaims, err error) {
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		switch m.Name {
		case "iss":
			c.issuer = r.String()
		case "sub":
			c.subject = r.String()
		case "aud":
			c.audience = r.Audience(nil)
		case "exp":
			_ = r.Time()
			c.expires = true
		case "sid":
			c.session = r.String()
		default:
			if jws.Folded(m.Name, hintNames) {
				r.Fail(fmt.Errorf("claim %.20q in other case", m.Name))
			}
		}
	}
	return c, r.End()
}

// hint holds claims to what our ID tokens say. A signed answer of the userinfo endpoint
// has no exp, which an ID token must have (§2).
func (c hintClaims) hint(issuer string) (Hint, error) {
	switch {
	case c.issuer != issuer:
		return Hint{}, fmt.Errorf("%w: another issuer's", ErrHint)
	case !id.IsUser(c.subject):
		return Hint{}, fmt.Errorf("%w: not about a person", ErrHint)
	case len(c.audience) != 1:
		return Hint{}, fmt.Errorf("%w: not for one client", ErrHint)
	case !c.expires:
		return Hint{}, fmt.Errorf("%w: no exp", ErrHint)
	}
	return Hint{Subject: id.User(c.subject), Client: id.Client(c.audience[0]), Session: id.Session(c.session)}, nil
}
