package verifier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/verifier/dpop"
	"github.com/signet-oidc/signet/verifier/jws"
)

// Defaults and bounds of Config.
const (
	DefaultLeeway    = 10 * time.Second
	MaxLeeway        = 60 * time.Second
	DefaultCacheSize = 4096
	maxCacheSize     = 1 << 22

	// DefaultPoll is how often keys and status lists are revalidated.
	DefaultPoll = 5 * time.Second

	// DefaultOutage is how long known keys are trusted while the issuer can't
	// be asked whether they still are. Its tokens live for a quarter of that.
	DefaultOutage = time.Hour
)

// Config says what a Verifier accepts. Issuer and Audience are required; the
// zero value of every other field is usable and safe.
type Config struct {
	// Issuer is the issuer's URL, compared as it stands with the iss claim.
	// https, unless the host is localhost or a loopback address.
	Issuer string

	// Audience is who this resource server is: it must be among the aud claim.
	Audience string

	// Algorithms are those accepted, of ES256, RS256, ES384, PS256 and EdDSA.
	// Empty: ES256 and RS256.
	Algorithms []string

	// Leeway is how far clocks may be apart, at most a minute. Zero: 10 s;
	// negative: none.
	Leeway time.Duration

	// HTTPClient fetches keys and lists. Redirects are never followed. Nil: a
	// client of our own with bounded times. Proxies and roots are set here.
	HTTPClient *http.Client

	// CacheSize is how many verified tokens are remembered. Zero: 4,096;
	// negative: none.
	CacheSize int

	// Cookie names the cookie that Middleware reads a token from, beside the
	// Authorization header; for example "__Host-signet_access". Empty: none.
	Cookie string

	// TrustedOrigins may send unsafe cross-site requests with the cookie, each
	// as "scheme://host[:port]". Empty: none.
	TrustedOrigins []string

	// Keys gives the issuer's keys, and is asked at every Verify. Nil: they are
	// found by discovery from Issuer and refreshed in the background.
	Keys KeySet

	// Status tells what is revoked, and is asked at every Verify of a token
	// with a status claim. Nil: the issuer's status lists are polled; with Keys
	// given there is no network, and such a token is ErrStatusUnavailable.
	Status StatusSource

	// DangerouslyAcceptRevokedTokens turns the look at the status claim off: a
	// person who logged out stays in until the token expires.
	DangerouslyAcceptRevokedTokens bool

	// Poll is how often the issuer's keys and status lists are revalidated,
	// at least 100 ms. Zero: 5 s.
	Poll time.Duration

	// Outage is how long known keys are trusted while the issuer can't be
	// reached; then Verify says ErrKeysUnavailable. Zero: an hour.
	Outage time.Duration

	// StatusMaxAge makes Verify say ErrStatusUnavailable once the status list
	// couldn't be refreshed for so long. Zero: the last list goes on while the
	// issuer is away, for it makes no new tokens then.
	StatusMaxAge time.Duration

	// Proofs checks DPoP proofs (RFC 9449) in Middleware. Nil: a checker with
	// its own replay memory. Give your own where several processes serve one
	// resource and must share theirs, or to ask for nonces.
	Proofs *dpop.Checker

	// BaseURL is the "scheme://host[:port]" under which clients reach this
	// resource server, for the htu of DPoP proofs; the request's own Host is
	// the sender's to choose. Empty: Audience's, if that is a URL.
	BaseURL string

	// ResourceMetadata is the URL of this server's RFC 9728 metadata, named in
	// challenges. Empty: not named.
	ResourceMetadata string

	// Refuse writes the answer to a refused request, with the WWW-Authenticate
	// and Retry-After headers already set. Nil: {"error","error_description"}.
	Refuse func(http.ResponseWriter, *http.Request, Problem)

	// Hooks tell what happens, for metrics. All may be nil.
	Hooks Hooks

	// Now is the clock by which tokens are judged. Nil: time.Now.
	Now func() time.Time
}

// Hooks are called on the spot, so they must be quick; at the same time from
// several goroutines.
type Hooks struct {
	// Verified is called after each Verify, with its error.
	Verified func(err error)

	// Fetched is called after each fetch of keys, discovery or a status list.
	Fetched func(Fetch)
}

// Fetch is one look at the issuer.
type Fetch struct {
	What    string        // "keys" or "status"
	URL     string        // which document
	Changed bool          // whether it brought something new
	Took    time.Duration // from request to parsed answer
	Err     error         // nil if it succeeded
}

// KeySet finds the issuer's public keys.
type KeySet interface {
	// Key returns the key that the issuer publishes by kid now. It returns an
	// error that wraps ErrUnknownKey if there is none, or ErrKeysUnavailable if
	// it can't tell. It is asked for every token, also for one verified before,
	// so it should answer from memory; the same key should be the same pointer.
	Key(ctx context.Context, kid string) (Key, error)
}

// StatusSource tells which sessions were ended.
type StatusSource interface {
	// Revoked says whether the status at index of the list at uri is set. It
	// returns an error that wraps ErrStatusUnavailable if it can't tell.
	Revoked(ctx context.Context, uri string, index uint64) (bool, error)
}

// normal returns c with its zero values filled in, or says what is wrong with it.
func (c Config) normal() (Config, error) {
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("verifier config: %w", err)
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{jws.ES256, jws.RS256}
	}
	c.Algorithms = slices.Clone(c.Algorithms)
	c.Leeway = orDefault(c.Leeway, DefaultLeeway)
	c.Leeway = max(c.Leeway, 0)
	c.Poll = orDefault(c.Poll, DefaultPoll)
	c.Outage = orDefault(c.Outage, DefaultOutage)
	if c.CacheSize == 0 {
		c.CacheSize = DefaultCacheSize
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.BaseURL == "" {
		c.BaseURL = origin(c.Audience)
	}
	return c, nil
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func (c Config) check() error {
	if c.Issuer == "" {
		return errors.New("field Issuer is empty: set it to the issuer's URL")
	}
	if c.Audience == "" {
		return errors.New("field Audience is empty: set it to the name tokens for this server carry in aud")
	}
	if _, err := checkIssuer(c.Issuer); err != nil {
		return fmt.Errorf("field Issuer: %w", err)
	}
	for _, alg := range c.Algorithms {
		if !jws.Known(alg) {
			return fmt.Errorf("field Algorithms: %q isn't one of ES256, RS256, ES384, PS256, EdDSA", alg)
		}
	}
	return errors.Join(c.checkBounds(), c.checkStatus(), c.checkHTTP())
}

func (c Config) checkBounds() error {
	switch {
	case c.Leeway > MaxLeeway:
		return fmt.Errorf("field Leeway: %v is over %v: mend the clocks instead", c.Leeway, MaxLeeway)
	case c.CacheSize > maxCacheSize:
		return fmt.Errorf("field CacheSize: %d is over %d", c.CacheSize, maxCacheSize)
	case c.Poll != 0 && c.Poll < 100*time.Millisecond:
		return fmt.Errorf("field Poll: %v is under 100 ms", c.Poll)
	case c.Outage < 0 || c.StatusMaxAge < 0:
		return errors.New("field Outage or StatusMaxAge is negative")
	case c.StatusMaxAge != 0 && c.StatusMaxAge < orDefault(c.Poll, DefaultPoll):
		return fmt.Errorf("field StatusMaxAge: %v is under Poll: every list would be too old", c.StatusMaxAge)
	}
	return nil
}

func (c Config) checkStatus() error {
	if !c.DangerouslyAcceptRevokedTokens {
		return nil
	}
	if c.Status != nil || c.StatusMaxAge != 0 {
		return errors.New("field DangerouslyAcceptRevokedTokens contradicts Status and StatusMaxAge: choose one")
	}
	return nil
}

func (c Config) checkHTTP() error {
	if strings.ContainsAny(c.Cookie, " \t\r\n=;,\"") {
		return fmt.Errorf("field Cookie: %q isn't the name of a cookie", c.Cookie)
	}
	if len(c.TrustedOrigins) > 0 && c.Cookie == "" {
		return errors.New("field TrustedOrigins without Cookie: they are for requests with a cookie")
	}
	if c.BaseURL != "" && origin(c.BaseURL) != c.BaseURL {
		return fmt.Errorf("field BaseURL: %q isn't scheme://host[:port]", c.BaseURL)
	}
	return nil
}
