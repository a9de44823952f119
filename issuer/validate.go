package issuer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

// Bounds of settings.
const (
	minAccessTTL  = 10 * time.Second // less, and a token expires within the leeway of clocks
	maxAccessTTL  = 24 * time.Hour   // more, and revocation rests on the status list alone
	maxRetry      = 10 * time.Minute // a successor may be replayed so long by a thief too
	minAuditTTL   = time.Hour        // less, and nobody has seen what happened
	minBcryptCost = 10               // OWASP's floor
	maxBcryptCost = 31               // bcrypt's own
	minPassword   = 8
	maxPassword   = 72 // bcrypt reads no more bytes
	maxWorkers    = 1024
	maxQueue      = 100_000
	maxURL        = 512 // of an issuer or an audience: it stands in every token
)

// SettingError is one setting that is unsafe or contradicts another.
type SettingError struct {
	Setting string // the environment variable's name
	Problem string // what is wrong and how to mend it
}

func (e *SettingError) Error() string { return e.Setting + ": " + e.Problem }

// problems collects what is wrong, so that all of it is told at once.
type problems []error

func (p *problems) add(setting, format string, args ...any) {
	*p = append(*p, &SettingError{"SIGNET_" + setting, fmt.Sprintf(format, args...)})
}

// within complains unless min ≤ v ≤ max.
func within[T int | time.Duration](p *problems, setting string, v, min, max T) {
	if v < min || v > max {
		p.add(setting, "is %v: set it between %v and %v", v, min, max)
	}
}

func (p *problems) oneOf(setting, v string, allowed ...string) {
	if !slices.Contains(allowed, v) {
		p.add(setting, "is %.40q: set it to one of %s", v, strings.Join(allowed, ", "))
	}
}

// Validate returns everything that is unsafe or contradictory, joined: SettingErrors and, of keys, keys.ErrPolicy. Each
// says how to mend it. Nothing is opened or asked.
func (s Settings) Validate() error {
	var p problems
	if problem := issuerProblem(s.Issuer); problem != "" {
		p.add("ISSUER", "%s", problem)
	}
	s.checkAddresses(&p)
	s.checkStores(&p)
	s.checkAudience(&p)
	s.checkTimes(&p)
	s.checkKeys(&p)
	s.checkPasswords(&p)
	s.checkLimits(&p)
	s.checkNetwork(&p)
	s.checkTLS(&p)
	s.checkClients(&p)
	s.checkBrand(&p)
	p.oneOf("LOG_LEVEL", s.LogLevel, "debug", "info", "warn", "error")
	return errors.Join(p...)
}

// issuerProblem says what is wrong with an issuer URL; empty when nothing. RFC 8414 §2: https, no query, no fragment. It
// is compared as text by every verifier, so there must be one way to write it.
func issuerProblem(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || len(raw) > maxURL:
		return "must be a URL such as https://auth.example.com"
	case u.User != nil:
		return "must not hold a user or password"
	case strings.ContainsAny(raw, "?#"):
		return "must have no query and no fragment (RFC 8414 §2)"
	case strings.HasSuffix(u.Path, "/"):
		return "must not end in a slash: " + strings.TrimRight(raw, "/")
	case strings.ToLower(u.Scheme+u.Host) != u.Scheme+u.Host || !strings.HasPrefix(raw, u.Scheme+":"):
		return "must be in lower case: it is compared letter by letter"
	case u.Scheme != "https" && u.Scheme != "http":
		return "must begin with https://"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "must be https: plain http is for localhost and loopback addresses only"
	}
	return ""
}

// isLoopback knows localhost, its subdomains (RFC 6761 §6.3) and loopback addresses.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (s Settings) checkAddresses(p *problems) {
	checkAddress(p, "ADDR", s.Addr)
	checkAddress(p, "ADMIN_ADDR", s.AdminAddr)
	if s.Addr == s.AdminAddr && !strings.HasSuffix(s.Addr, ":0") {
		p.add("ADMIN_ADDR", "is the same as SIGNET_ADDR: admin calls have an address of their own")
	}
}

func checkAddress(p *problems, setting, addr string) {
	_, port, err := net.SplitHostPort(addr)
	if n, convErr := strconv.ParseUint(port, 10, 16); err != nil || convErr != nil || strconv.FormatUint(n, 10) != port {
		p.add(setting, "is %.60q: write host:port, as in 127.0.0.1:8080, or :8080 for all interfaces", addr)
	}
}

func (s Settings) checkStores(p *problems) {
	if s.DatabaseURL != "" && !hasScheme(s.DatabaseURL, "sqlite:", "postgres://", "postgresql://") {
		p.add("DATABASE_URL", "must begin with sqlite: or postgres://") // not shown: it may hold a password
	}
	if s.DatabaseURL == "" && s.DataDir == "" {
		p.add("DATA_DIR", "is empty: name a directory, or set SIGNET_DATABASE_URL")
	}
	if s.RedisURL != "" && !hasScheme(s.RedisURL, "redis://", "rediss://", "unix://") {
		p.add("REDIS_URL", "must begin with redis://, rediss:// or unix://")
	}
	if len(s.SealKey) > 0 {
		if _, err := secret.ParseSealKeys(strings.Join(s.SealKey, ",")); err != nil {
			p.add("SEAL_KEY", "%v", err)
		}
	}
}

func hasScheme(raw string, schemes ...string) bool {
	return slices.ContainsFunc(schemes, func(scheme string) bool {
		return strings.HasPrefix(raw, scheme) && len(raw) > len(scheme)
	})
}

// AdminAudience is the audience of admin calls: it is granted by a role, never by a setting.
func (s Settings) AdminAudience() string { return s.Issuer + AdminPath }

func (s Settings) checkAudience(p *problems) {
	for i, a := range s.Audience {
		switch {
		case !absoluteURI(a):
			p.add("AUDIENCE", "%.60q must be an absolute URI without a fragment (RFC 8707 §2), such as https://api.example.com", a)
		case a == s.AdminAudience():
			p.add("AUDIENCE", "%q is the admin API's own: only the role admin grants it", a)
		case slices.Contains(s.Audience[:i], a):
			p.add("AUDIENCE", "names %.60q twice: leave one out", a)
		}
	}
}

func absoluteURI(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "") && !strings.Contains(raw, "#") && len(raw) <= maxURL
}

func (s Settings) checkTimes(p *problems) {
	within(p, "ACCESS_TTL", s.AccessTTL, minAccessTTL, maxAccessTTL)
	switch {
	case s.RefreshTTL < time.Second:
		p.add("REFRESH_TTL", "is %v: set it to a second or more", s.RefreshTTL)
	case s.RefreshTTL > s.SessionTTL:
		p.add("REFRESH_TTL", "is %v, longer than SIGNET_SESSION_TTL %v: lower the one or raise the other", s.RefreshTTL, s.SessionTTL)
	}
	if s.AuditTTL != 0 && s.AuditTTL < minAuditTTL {
		p.add("AUDIT_TTL", "is %v: set it to 1h or more, or to 0s to keep every event", s.AuditTTL)
	}
	switch {
	case s.RefreshRetryWindow < 0 || s.RefreshRetryWindow > maxRetry:
		p.add("REFRESH_RETRY_WINDOW", "is %v: set it between 0s and %v", s.RefreshRetryWindow, maxRetry)
	case s.RefreshRetryWindow > s.RefreshTTL:
		p.add("REFRESH_RETRY_WINDOW", "is %v, longer than SIGNET_REFRESH_TTL %v: lower the one or raise the other", s.RefreshRetryWindow, s.RefreshTTL)
	}
}

// checkKeys leaves the schedule's rules to keys; a zero that would mean a default there is a mistake here.
func (s Settings) checkKeys(p *problems) {
	ok := true
	for _, zero := range []struct {
		setting string
		is      bool
		instead string
	}{
		{"KEY_ALGS", len(s.KeyAlgs) == 0, "name at least one algorithm, as in ES256,RS256"},
		{"KEY_ROTATE_EVERY", s.KeyRotateEvery == 0, "say how often, as in 720h; -1s switches automatic rotation off"},
		{"JWKS_MAX_AGE", s.JWKSMaxAge <= 0, "set it to a second or more"},
		{"SESSION_TTL", s.SessionTTL <= 0, "set it to a second or more"},
	} {
		if zero.is {
			p.add(zero.setting, "%s", zero.instead)
			ok = false
		}
	}
	if err := s.KeyPolicy().Validate(); err != nil && ok && s.AccessTTL > 0 {
		*p = append(*p, err)
	}
}

// KeyPolicy is what the settings say of keys. Status list tokens live no longer than access tokens do.
func (s Settings) KeyPolicy() keys.Policy {
	policy := keys.Policy{RotateEvery: s.KeyRotateEvery, MaxAge: s.JWKSMaxAge, LongestToken: s.AccessTTL, SessionTTL: s.SessionTTL}
	for _, alg := range s.KeyAlgs {
		policy.Algs = append(policy.Algs, keys.Algorithm(alg))
	}
	return policy
}

// PasswordPolicy is what the settings say of passwords.
func (s Settings) PasswordPolicy() account.Policy {
	policy := account.Policy{Min: s.PasswordMin}
	if !s.PasswordBlocklist {
		policy.Blocklist = account.NoBlocklist
	}
	return policy
}

func (s Settings) checkPasswords(p *problems) {
	within(p, "BCRYPT_COST", s.BcryptCost, minBcryptCost, maxBcryptCost)
	within(p, "PASSWORD_MIN", s.PasswordMin, minPassword, maxPassword)
	within(p, "HASH_WORKERS", s.HashWorkers, 0, maxWorkers) // 0: by the cores
	within(p, "HASH_QUEUE", s.HashQueue, 1, maxQueue)
	within(p, "HASH_DEADLINE", s.HashDeadline, 10*time.Millisecond, time.Minute)
}

func (s Settings) checkLimits(p *problems) {
	checkRate(p, "LOGIN_RATE", s.LoginRate)
	checkRate(p, "LOGIN_RATE_ACCOUNT", s.LoginRateAccount)
	p.oneOf("REGISTRATION", s.Registration, "open", "closed")
}

func checkRate(p *problems, setting string, r limit.Rate) {
	if r.Count < 1 || r.Per <= 0 || r.Interval() <= 0 {
		p.add(setting, "must be a count and /s, /m or /h, as in 10/m")
	}
}
