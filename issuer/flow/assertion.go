package flow

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/verifier/jws"
)

// Bounds of a client's assertion.
const (
	maxAssertion    = 8 << 10 // bytes
	maxAssertionID  = 512     // bytes of a jti
	assertionLife   = time.Hour
	assertionLeeway = 10 * time.Second
)

// ClientKeys finds a client's public keys by kid ("" for any) and algorithm, or says
// client.ErrKeys; *client.Keys does.
type ClientKeys interface {
	Find(ctx context.Context, c client.Client, kid, alg string) ([]crypto.PublicKey, error)
}

// AssertionAlgorithms may sign an assertion: all have a public and a private key, so that
// what anybody can know checks and doesn't make one.
func AssertionAlgorithms() []string {
	return []string{jws.ES256, jws.RS256, jws.ES384, jws.PS256, jws.EdDSA}
}

// Assertion authenticates a client by a JWT that it has signed (RFC 7523 §3, OpenID Connect
// Core §9 private_key_jwt). named is the client_id beside it, if there was one.
//
// Its aud is the issuer identifier and nothing else, as the update of RFC 7523 asks
// (draft-ietf-oauth-rfc7523bis): a token endpoint's URL, which RFC 7523 §3 and OpenID
// Connect Core §9 also allowed, can stand in another server's metadata, whose operator
// would then be given an assertion that is good here. Each is good once, on whichever
// replica.
//
// Who the client says it is comes back with the error too, so that failures can be
// counted. An error wraps client.ErrCredentials, or is a store's.
func (f *Flow) Assertion(ctx context.Context, raw string, named id.Client) (client.Client, error) {
	a, err := readAssertion(raw)
	if err != nil {
		return client.Client{ID: named}, refused(err)
	}
	who := client.Client{ID: a.client}
	if named != "" && named != a.client {
		return who, refused(errors.New("client_id is another"))
	}
	c, err := f.Clients.Get(ctx, a.client)
	if err != nil {
		return who, err
	}
	if err := f.judge(c, a, f.now()); err != nil {
		return c, refused(err)
	}
	if err := f.signed(ctx, c, a); err != nil {
		return c, err
	}
	return c, f.firstUse(ctx, a)
}

func refused(reason error) error {
	return fmt.Errorf("%w: assertion: %w", client.ErrCredentials, reason)
}

// assertion is one that can be read; nothing in it may be believed yet.
type assertion struct {
	parts             jws.Parts
	header            jws.Header
	client            id.Client // iss and sub
	audience          []string
	id                string // jti
	expires           int64  // seconds; -1 if absent
	issued, notBefore int64  // seconds; 0 if absent
	issuer, subject   string
}

// assertionTypes are what typ may say, in lower case: nothing, or that it is one (RFC 7515
// §4.1.9). A token of another kind that the client signs, such as a DPoP proof, is none
// (RFC 8725 §3.11).
var assertionTypes = []string{"", "jwt", "application/jwt", "client-authentication+jwt", "application/client-authentication+jwt"}

func readAssertion(raw string) (a assertion, err error) {
	if a.parts, err = jws.SplitUpTo(raw, maxAssertion); err != nil {
		return a, err
	}
	if a.header, err = jws.ReadHeader(a.parts.Header, jws.WithoutKey); err != nil {
		return a, err
	}
	text, err := a.parts.Payload()
	if err != nil {
		return a, err
	}
	if err := a.readClaims(text); err != nil {
		return a, err
	}
	// RFC 7523 §3 (1, 2B): both are the client.
	if a.subject == "" || a.issuer != a.subject {
		return a, errors.New("iss and sub are not one client")
	}
	a.client = id.Client(a.subject)
	return a, nil
}

var assertionClaims = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

func (a *assertion) readClaims(text string) error {
	a.expires = -1
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		switch m.Name {
		case "iss":
			a.issuer = r.String()
		case "sub":
			a.subject = r.String()
		case "aud":
			a.audience = r.Audience(nil)
		case "exp":
			a.expires = r.Time()
		case "nbf":
			a.notBefore = r.Time()
		case "iat":
			a.issued = r.Time()
		case "jti":
			a.id = r.String()
		default:
			if jws.Folded(m.Name, assertionClaims) {
				r.Fail(errors.New("a claim name in other case"))
			}
		}
	}
	return r.End()
}

// judge compares what an assertion says with what it must say: all that costs no
// signature and no fetch.
func (f *Flow) judge(c client.Client, a assertion, now time.Time) error {
	expires := time.Unix(a.expires, 0)
	switch {
	case c.Public || c.AuthMethod != client.MethodPrivateKeyJWT:
		return errors.New("the client has another method")
	case !slices.Contains(AssertionAlgorithms(), a.header.Algorithm) || c.AuthAlg != "" && c.AuthAlg != a.header.Algorithm:
		return errors.New("alg is not allowed")
	case !slices.Contains(assertionTypes, strings.ToLower(a.header.Type)):
		return errors.New("typ is another")
	case len(a.audience) != 1 || a.audience[0] != f.Issuer:
		return errors.New("aud is not the issuer alone")
	case a.expires < 0:
		return errors.New("no exp")
	case !now.Before(expires.Add(assertionLeeway)):
		return errors.New("expired")
	case expires.After(now.Add(assertionLife + assertionLeeway)):
		return errors.New("exp is more than an hour ahead")
	case time.Unix(max(a.notBefore, a.issued), 0).After(now.Add(assertionLeeway)):
		return errors.New("nbf or iat is to come")
	case a.id == "" || len(a.id) > maxAssertionID:
		return errors.New("no jti, or a very long one")
	}
	return nil
}

// signed checks the signature with the client's own keys.
func (f *Flow) signed(ctx context.Context, c client.Client, a assertion) error {
	keys, err := f.ClientKeys.Find(ctx, c, a.header.KeyID, a.header.Algorithm)
	if errors.Is(err, client.ErrKeys) {
		return refused(err)
	}
	if err != nil {
		return err // the caller has left
	}
	for _, key := range keys {
		if err = a.parts.Verify(a.header.Algorithm, key); err == nil {
			return nil
		}
	}
	return refused(err)
}

// firstUse uses an assertion up. It is remembered for as long as it could be used.
func (f *Flow) firstUse(ctx context.Context, a assertion) error {
	until := time.Unix(a.expires, 0).Add(assertionLeeway)
	first, err := f.Grants.Once(ctx, "assertion", []string{string(a.client), a.id}, f.now(), until)
	if err == nil && !first {
		err = refused(errors.New("used before"))
	}
	return err
}
