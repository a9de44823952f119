package verifier

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/signet-oidc/signet/verifier/dpop"
	"github.com/signet-oidc/signet/verifier/jws"
)

// Verifier checks access tokens. It is safe for use by several goroutines.
// Make one with New for the life of the program, and Close it.
type Verifier struct {
	cfg    Config
	now    func() time.Time
	leeway int64 // seconds

	systemClock bool // whether now is time.Now

	signatures signatures
	remote     *RemoteKeys   // the KeySet, if it is one of ours
	status     StatusSource  // nil: a status claim can't be answered
	lists      *RemoteStatus // the StatusSource, if it is one of ours
	cache      *cache        // nil: none
	origins    func() *cache // of tokens of which only the origin was checked; made when first asked for
	proofs     *dpop.Checker
	csrf       *http.CrossOriginProtection

	close []func() // what New started
}

// New makes a Verifier and starts its background work, which ends with ctx or
// Close. It doesn't wait for the issuer. Its errors are about the Config.
func New(ctx context.Context, cfg Config) (*Verifier, error) {
	systemClock := cfg.Now == nil
	cfg, err := cfg.normal()
	if err != nil {
		return nil, err
	}
	v := &Verifier{cfg: cfg, systemClock: systemClock, now: cfg.Now, leeway: int64(cfg.Leeway / time.Second), cache: newCache(cfg.CacheSize)}
	v.origins = sync.OnceValue(func() *cache { return newCache(cfg.CacheSize) })
	for _, prepare := range []func(context.Context) error{v.prepareHTTP, v.prepareKeys, v.prepareStatus} {
		if err := prepare(ctx); err != nil {
			v.Close()
			return nil, err
		}
	}
	return v, nil
}

func (v *Verifier) prepareHTTP(context.Context) (err error) {
	if v.proofs = v.cfg.Proofs; v.proofs == nil {
		if v.proofs, err = dpop.New(dpop.Config{Now: v.cfg.Now}); err != nil {
			return err
		}
	}
	v.csrf = http.NewCrossOriginProtection()
	for _, o := range v.cfg.TrustedOrigins {
		if err := v.csrf.AddTrustedOrigin(o); err != nil {
			return fmt.Errorf("verifier config: field TrustedOrigins: %w", err)
		}
	}
	return nil
}

func (v *Verifier) prepareKeys(ctx context.Context) error {
	keys := v.cfg.Keys
	if keys == nil {
		remote, err := NewRemoteKeys(ctx, RemoteKeysConfig{
			Issuer: v.cfg.Issuer, HTTPClient: v.cfg.HTTPClient, Poll: v.cfg.Poll, Outage: v.cfg.Outage,
			Withdrawn: v.cache.clear, Fetched: v.cfg.Hooks.Fetched, Now: v.cfg.Now,
		})
		if err != nil {
			return err
		}
		v.close = append(v.close, remote.Close)
		keys = remote
	}
	v.remote, _ = keys.(*RemoteKeys)
	v.signatures = signatures{keys: keys, algorithms: v.cfg.Algorithms}
	if v.remote != nil && (v.cfg.Keys == nil || v.systemClock && v.remote.systemClock) {
		v.signatures.remote = v.remote
	}
	return nil
}

func (v *Verifier) prepareStatus(ctx context.Context) error {
	v.status = v.cfg.Status
	if v.status == nil && v.cfg.Keys == nil && !v.cfg.DangerouslyAcceptRevokedTokens {
		lists, err := NewRemoteStatus(ctx, RemoteStatusConfig{
			Issuer: v.cfg.Issuer, Keys: v.signatures.keys, Algorithms: v.cfg.Algorithms, HTTPClient: v.cfg.HTTPClient,
			Poll: v.cfg.Poll, MaxAge: v.cfg.StatusMaxAge, Leeway: v.cfg.Leeway, Fetched: v.cfg.Hooks.Fetched, Now: v.cfg.Now,
		})
		if err != nil {
			return err
		}
		v.close = append(v.close, lists.Close)
		v.status = lists
	}
	v.lists, _ = v.status.(*RemoteStatus)
	return nil
}

// Close ends the background work. What was verified stays verified; a Verify
// afterwards goes by what was known last.
func (v *Verifier) Close() {
	for _, end := range v.close {
		end()
	}
}

// Refresh asks the issuer for its keys and status lists now, instead of at the
// next poll.
func (v *Verifier) Refresh(ctx context.Context) error {
	if v.remote != nil {
		if err := v.remote.Refresh(ctx); err != nil {
			return err
		}
	}
	if v.lists != nil {
		return v.lists.Refresh(ctx)
	}
	return nil
}

// Verify checks raw, a compact token as it came in a request, and returns what
// it says. The errors are those of this package, for errors.Is; ErrMalformed and
// the like are the token's fault, ErrKeysUnavailable and ErrStatusUnavailable
// are not.
//
// It waits for the network in two cases only: for a kid or a status list never
// seen before, and then no longer than ctx or a second or two.
//
// A token bound to a key is ErrProof here: [Verifier.VerifyWithProof] takes it.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	tok, err := v.check(ctx, raw)
	if err == nil && tok.bound {
		tok, err = nil, fmt.Errorf("%w: the token is bound to a key", ErrProof)
	}
	if v.cfg.Hooks.Verified != nil {
		v.cfg.Hooks.Verified(err)
	}
	return tok, err
}

// VerifyWithProof is Verify for a token bound to a key by DPoP (RFC 9449 §7):
// proof is what the DPoP header held, and the request is told by its method and
// URL. A token that isn't bound is ErrProof.
func (v *Verifier) VerifyWithProof(ctx context.Context, raw, proof, method, url string) (*Token, error) {
	tok, err := v.check(ctx, raw)
	if err == nil {
		err = v.checkProof(ctx, tok, proof, dpop.Request{Method: method, URL: url, AccessToken: raw})
	}
	if v.cfg.Hooks.Verified != nil {
		v.cfg.Hooks.Verified(err)
	}
	if err != nil {
		return nil, err
	}
	return tok, nil
}

func (v *Verifier) checkProof(ctx context.Context, tok *Token, proof string, req dpop.Request) error {
	if tok.jkt == "" {
		return fmt.Errorf("%w: the token isn't bound to a DPoP key", ErrProof)
	}
	req.Thumbprint = tok.jkt
	_, err := v.proofs.Check(ctx, proof, req)
	return err
}

// check is Verify but for the proof.
func (v *Verifier) check(ctx context.Context, raw string) (*Token, error) {
	now := v.now()
	if e := v.cache.get(raw); e != nil && v.keyStands(ctx, e, now) {
		if err := v.stillGood(ctx, e, now); err != nil {
			return nil, err
		}
		return &e.token, nil
	}
	return v.checkFully(ctx, raw, now)
}

func (v *Verifier) checkFully(ctx context.Context, raw string, now time.Time) (*Token, error) {
	e, err := v.read(ctx, raw, now)
	if err != nil {
		return nil, err
	}
	if err := v.judge(&e.token, now.Unix()); err != nil {
		return nil, err
	}
	if e.list, err = v.askStatus(ctx, e.token.status, now); err != nil {
		return nil, err
	}
	v.cache.put(e, now)
	return &e.token, nil
}

// read checks that raw is an access token that one of the keys signed, and reads
// it; what it says is for judge.
func (v *Verifier) read(ctx context.Context, raw string, now time.Time) (*entry, error) {
	signed, err := v.signatures.check(ctx, raw, now)
	if err != nil {
		return nil, err
	}
	if !accessTokenType(signed.header.Type) {
		return nil, ErrType
	}
	text, err := signed.parts.Payload()
	if err != nil {
		return nil, err
	}
	e := &entry{raw: raw, key: signed.key, snapshot: signed.snapshot}
	return e, readToken(text, &e.token, &e.lists)
}

// accessTokenType is RFC 9068 §4 by way of RFC 7515 §4.1.9: a media type without
// regard to case, whose "application/" may be left out.
func accessTokenType(typ string) bool {
	return typ == "at+jwt" || strings.EqualFold(typ, "at+jwt") || strings.EqualFold(typ, "application/at+jwt")
}

// judge decides by the claims alone, in the order that the design states.
func (v *Verifier) judge(tok *Token, now int64) error {
	if tok.Issuer != v.cfg.Issuer {
		return ErrIssuer
	}
	if !contains(tok.Audience, v.cfg.Audience) {
		return ErrAudience
	}
	if err := v.inTime(tok, now); err != nil {
		return err
	}
	if tok.Subject == "" {
		return fmt.Errorf("%w: no sub", ErrMalformed)
	}
	return nil
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

// inTime compares with the clock; leeway goes to the token's favour both ways.
func (v *Verifier) inTime(tok *Token, now int64) error {
	switch {
	case now >= tok.Expiry.Unix()+v.leeway:
		return ErrExpired
	case tok.notBefore > now+v.leeway:
		return ErrNotYetValid
	case !tok.IssuedAt.IsZero() && tok.IssuedAt.Unix() > now+v.leeway:
		return ErrNotYetValid
	}
	return nil
}

// askStatus says whether the session was ended, and where that stands if the
// list is one of our own.
func (v *Verifier) askStatus(ctx context.Context, ref statusRef, now time.Time) (*list, error) {
	if !ref.present || v.cfg.DangerouslyAcceptRevokedTokens {
		return nil, nil
	}
	if v.lists != nil {
		l, err := v.lists.find(ctx, ref.uri)
		if err != nil {
			return nil, err
		}
		return l, l.check(ref.index, now)
	}
	if v.status == nil {
		return nil, fmt.Errorf("%w: no source for it is configured", ErrStatusUnavailable)
	}
	revoked, err := v.status.Revoked(ctx, ref.uri, ref.index)
	if err == nil && revoked {
		err = ErrRevoked
	}
	return nil, err
}

// keyStands says whether the key that a remembered token was verified with is
// still the issuer's. If not, the token is checked anew and so gets its error.
func (v *Verifier) keyStands(ctx context.Context, e *entry, now time.Time) bool {
	if e.snapshot != nil && v.signatures.remote.stands(e.snapshot, now) {
		return true
	}
	key, err := v.signatures.keys.Key(ctx, e.key.ID)
	return err == nil && key.same(e.key)
}

// stillGood asks a remembered token about what can change: time and status.
func (v *Verifier) stillGood(ctx context.Context, e *entry, now time.Time) error {
	if err := v.inTime(&e.token, now.Unix()); err != nil {
		return err
	}
	if e.list != nil {
		return e.list.check(e.token.status.index, now)
	}
	_, err := v.askStatus(ctx, e.token.status, now)
	return err
}

// signatures checks signatures with the keys of a set.
type signatures struct {
	keys       KeySet
	remote     *RemoteKeys // keys, if they are some of ours that go by the caller's clock: reading it once a token is enough
	algorithms []string
	headers    headers
}

// signed is a token whose signature held, and whose claims nobody has read.
type signed struct {
	parts    jws.Parts
	header   jws.Header
	key      Key
	snapshot *keySnapshot // what the key came from, if it was one of ours
}

func (s *signatures) check(ctx context.Context, raw string, now time.Time) (signed, error) {
	parts, err := jws.Split(raw)
	if err != nil {
		return signed{}, err
	}
	return s.checkParts(ctx, parts, now)
}

func (s *signatures) checkParts(ctx context.Context, parts jws.Parts, now time.Time) (_ signed, err error) {
	header, known := s.headers.get(parts.Header)
	if !known {
		if header, err = jws.ReadHeader(parts.Header, jws.WithoutKey); err != nil {
			return signed{}, err
		}
	}
	out := signed{parts: parts, header: header}
	if err := s.checkKey(ctx, &out, now); err != nil {
		return signed{}, err
	}
	if !known {
		s.headers.put(parts.Header, header)
	}
	return out, nil
}

// checkKey finds the key and checks the signature: the algorithm has to be
// allowed here, and the key's own (RFC 8725 §3.1).
func (s *signatures) checkKey(ctx context.Context, in *signed, now time.Time) (err error) {
	alg := in.header.Algorithm
	if !contains(s.algorithms, alg) {
		return fmt.Errorf("%w: %.16q", ErrAlgorithm, alg)
	}
	if in.header.KeyID == "" {
		return fmt.Errorf("%w: the token names none", ErrUnknownKey)
	}
	if s.remote != nil {
		in.key, in.snapshot, err = s.remote.find(ctx, in.header.KeyID, now)
	} else {
		in.key, err = s.keys.Key(ctx, in.header.KeyID)
	}
	if err != nil {
		return err
	}
	if in.key.Algorithm != "" && in.key.Algorithm != alg {
		return fmt.Errorf("%w: %.16q with a key for %s", ErrAlgorithm, alg, in.key.Algorithm)
	}
	return in.parts.Verify(alg, in.key.Public)
}
