package verifier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signet-oidc/signet/verifier/jws"
)

// Outcome is what became of one check.
type Outcome string

// The outcomes of a check.
const (
	Holds   Outcome = "holds"
	Fails   Outcome = "fails"
	Skipped Outcome = "skipped" // it needs one that failed
	Unsure  Outcome = "unsure"  // it couldn't be told, and Verify refuses for the time being
)

// Check is one of the things that Verify looks at.
type Check struct {
	Name    string
	Outcome Outcome
	Err     error  // of this package; nil if it holds
	Detail  string // what was found
	Mend    string // what to do about it; empty if it holds
}

// Report says check by check why a token is or isn't valid. It is for the people
// who run things, and says more than a client may read.
type Report struct {
	Checks      []Check
	Err         error     // what Verify says; nil if the token is valid
	KeyID       string    // kid of the header
	Algorithm   string    // alg of the header
	Claims      string    // the claims as they stand; not to be believed unless Err is nil
	KeysFetched time.Time // when the keys were last known to be the issuer's; zero if never or not fetched
	KeysErr     error     // of the last look at the issuer, if it failed
}

// Explain looks at raw as Verify does, but goes on after a check that fails. It
// may be slow, and leaves the cache alone.
func (v *Verifier) Explain(ctx context.Context, raw string) Report {
	x := explanation{v: v, now: v.now()}
	x.form(raw)
	x.signature(ctx)
	x.claims(ctx)
	if v.remote != nil {
		x.report.KeysFetched, x.report.KeysErr = v.remote.Fetched()
	}
	return x.report
}

// explanation is a report in the making.
type explanation struct {
	v      *Verifier
	now    time.Time
	parts  *jws.Parts // nil if the form is wrong
	header *jws.Header
	report Report
}

// add records a check. The first error is what Verify says.
func (x *explanation) add(name string, err error, detail, mend string) {
	c := Check{Name: name, Outcome: Holds, Detail: detail}
	if err != nil {
		c.Outcome, c.Err, c.Mend = Fails, err, mend
		if errors.Is(err, ErrKeysUnavailable) || errors.Is(err, ErrStatusUnavailable) {
			c.Outcome = Unsure
		}
		if x.report.Err == nil {
			x.report.Err = err
		}
	}
	x.report.Checks = append(x.report.Checks, c)
}

func (x *explanation) skip(names ...string) {
	for _, name := range names {
		x.report.Checks = append(x.report.Checks, Check{Name: name, Outcome: Skipped})
	}
}

func (x *explanation) form(raw string) {
	parts, err := jws.Split(raw)
	x.add("form", err, fmt.Sprintf("%d bytes", len(raw)), "give the whole access token: three parts joined by dots, without \"Bearer\"")
	if err != nil {
		x.skip("header")
		return
	}
	x.parts = &parts
	header, err := jws.ReadHeader(parts.Header, jws.WithoutKey)
	x.add("header", err, fmt.Sprintf("alg %s, kid %s, typ %s", header.Algorithm, header.KeyID, header.Type),
		"the header has to be strict JSON with alg, kid and typ, and no crit, jwk, jku, x5u or x5c")
	if err == nil {
		x.header, x.report.KeyID, x.report.Algorithm = &header, header.KeyID, header.Algorithm
	}
}

func (x *explanation) signature(ctx context.Context) {
	if x.header == nil {
		x.skip("algorithm", "key and signature", "type")
		return
	}
	var err error
	if !contains(x.v.cfg.Algorithms, x.header.Algorithm) {
		err = ErrAlgorithm
	}
	x.add("algorithm", err, x.header.Algorithm, "allowed are "+strings.Join(x.v.cfg.Algorithms, ", ")+": change Config.Algorithms, or what the issuer signs with")
	err = x.checkSignature(ctx)
	x.add("key and signature", err, "kid "+x.header.KeyID, mendKey(err))
	err = nil
	if !accessTokenType(x.header.Type) {
		err = ErrType
	}
	x.add("type", err, x.header.Type, "this is no access token (at+jwt); an ID token is for the client, not for a resource server")
}

func (x *explanation) checkSignature(ctx context.Context) error {
	in := signed{parts: *x.parts, header: *x.header}
	return x.v.signatures.checkKey(ctx, &in, x.now)
}

func mendKey(err error) string {
	switch {
	case errors.Is(err, ErrKeysUnavailable):
		return "the issuer's keys couldn't be fetched: look at the address, DNS, TLS and firewall between here and the issuer"
	case errors.Is(err, ErrUnknownKey):
		return "the issuer doesn't publish this key: it was withdrawn, or the token is of another issuer or deployment"
	case errors.Is(err, ErrSignature):
		return "the token was altered, cut, or signed by somebody else"
	case errors.Is(err, ErrAlgorithm):
		return "the algorithm isn't allowed, or isn't the key's own"
	}
	return "the signature isn't base64url"
}

func (x *explanation) claims(ctx context.Context) {
	names := []string{"issuer", "audience", "time", "subject", "status", "binding"}
	tok, err := x.readClaims()
	x.add("claims", err, "", "the claims have to be strict JSON of the right types, with iss, sub, aud and exp")
	if err != nil {
		x.skip(names...)
		return
	}
	x.judge(tok)
	x.status(ctx, tok)
	err = nil
	if tok.bound {
		err = fmt.Errorf("%w: the token is bound to a key", ErrProof)
	}
	x.add("binding", err, "", "present it with a DPoP proof by the key it is bound to")
}

func (x *explanation) readClaims() (*Token, error) {
	if x.parts == nil {
		return nil, ErrMalformed
	}
	text, err := x.parts.Payload()
	if err != nil {
		return nil, err
	}
	x.report.Claims = text
	tok := new(Token)
	return tok, readToken(text, tok, new(lists))
}

func (x *explanation) judge(tok *Token) {
	check := func(name string, holds bool, err error, detail, mend string) {
		if holds {
			err = nil
		}
		x.add(name, err, detail, mend)
	}
	cfg := x.v.cfg
	check("issuer", tok.Issuer == cfg.Issuer, ErrIssuer, tok.Issuer, "this verifier trusts "+cfg.Issuer+": the two are compared letter by letter")
	check("audience", contains(tok.Audience, cfg.Audience), ErrAudience, strings.Join(tok.Audience, " "), "ask the issuer for a token with the audience "+cfg.Audience)
	x.add("time", x.v.inTime(tok, x.now.Unix()), fmt.Sprintf("from %s to %s, now %s", tok.IssuedAt.Format(time.RFC3339), tok.Expiry.Format(time.RFC3339), x.now.UTC().Format(time.RFC3339)),
		"get a fresh token; if this one is fresh, the clocks are apart")
	check("subject", tok.Subject != "", fmt.Errorf("%w: no sub", ErrMalformed), tok.Subject, "the token has to say whom it is about")
}

// status is only asked with a good signature: its address comes from the token.
func (x *explanation) status(ctx context.Context, tok *Token) {
	if x.report.Err != nil && !errors.Is(x.report.Err, ErrExpired) && !errors.Is(x.report.Err, ErrAudience) {
		x.skip("status")
		return
	}
	_, err := x.v.askStatus(ctx, tok.status, x.now)
	detail := "the token carries none"
	if tok.status.present {
		detail = fmt.Sprintf("index %d of %s", tok.status.index, tok.status.uri)
	}
	mend := "the session was ended: log in again"
	if errors.Is(err, ErrStatusUnavailable) {
		mend = "the status list couldn't be read: look at the way between here and the issuer"
	}
	x.add("status", err, detail, mend)
}

// String is the report as lines of text.
func (r Report) String() string {
	var out strings.Builder
	for _, c := range r.Checks {
		fmt.Fprintf(&out, "%-8s %s", c.Outcome, c.Name)
		if c.Detail != "" {
			fmt.Fprintf(&out, ": %s", printable(c.Detail))
		}
		out.WriteByte('\n')
		if c.Err != nil {
			fmt.Fprintf(&out, "         %s\n         to mend: %s\n", printable(c.Err.Error()), c.Mend)
		}
	}
	out.WriteString(r.keysLine())
	if r.Err == nil {
		return out.String() + "valid\n"
	}
	return out.String() + "not valid: " + printable(r.Err.Error()) + "\n"
}

func (r Report) keysLine() string {
	line := ""
	if !r.KeysFetched.IsZero() {
		line = "keys known to be the issuer's at " + r.KeysFetched.Format(time.RFC3339) + "\n"
	}
	if r.KeysErr != nil {
		line += "the last look at the issuer failed: " + printable(r.KeysErr.Error()) + "\n"
	}
	return line
}

// printable keeps what a token says from writing to a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return '.'
		}
		return c
	}, s)
}
