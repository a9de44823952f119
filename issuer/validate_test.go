package issuer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/keys"
)

// defaults are the settings' defaults, as the command line reads them from the tags.
func defaults() issuer.Settings {
	return issuer.Settings{
		Issuer: "http://localhost:8080", Addr: "127.0.0.1:8080", AdminAddr: "127.0.0.1:8081", DataDir: ".signet",
		AccessTTL: 15 * time.Minute, RefreshTTL: 168 * time.Hour, SessionTTL: 720 * time.Hour, RefreshRetryWindow: time.Minute, AuditTTL: 9600 * time.Hour,
		KeyAlgs: []string{"ES256", "RS256"}, KeyRotateEvery: 720 * time.Hour, JWKSMaxAge: 5 * time.Minute,
		BcryptCost: 12, PasswordMin: 8, PasswordBlocklist: true, HashQueue: 64, HashDeadline: time.Second,
		LoginRate: limit.Rate{Count: 60, Per: time.Minute}, LoginRateAccount: limit.Rate{Count: 10, Per: time.Minute},
		Registration: "open", LogLevel: "info",
		ClientRegistration: "closed", BrandName: "Signet", BrandColor: "#1d4ed8",
	}
}

func TestValidateTakes(t *testing.T) {
	for name, change := range map[string]func(*issuer.Settings){
		"the defaults":             func(*issuer.Settings) {},
		"https":                    func(s *issuer.Settings) { s.Issuer = "https://auth.example.com" },
		"https with a port":        func(s *issuer.Settings) { s.Issuer = "https://auth.example.com:8443" },
		"https with a path":        func(s *issuer.Settings) { s.Issuer = "https://example.com/auth/eu" },
		"a loopback address":       func(s *issuer.Settings) { s.Issuer = "http://127.0.0.1:9" },
		"a loopback IPv6 address":  func(s *issuer.Settings) { s.Issuer = "http://[::1]:9" },
		"a name under localhost":   func(s *issuer.Settings) { s.Issuer = "http://auth.localhost" },
		"all interfaces":           func(s *issuer.Settings) { s.Addr = ":8080" },
		"any ports":                func(s *issuer.Settings) { s.Addr, s.AdminAddr = "127.0.0.1:0", "127.0.0.1:0" },
		"PostgreSQL without a dir": func(s *issuer.Settings) { s.DatabaseURL, s.DataDir = "postgres://h/d", "" },
		"Redis by socket":          func(s *issuer.Settings) { s.RedisURL = "unix:///run/redis.sock" },
		"audiences":                func(s *issuer.Settings) { s.Audience = []string{"https://api.example.com", "urn:example:api"} },
		"no retry window":          func(s *issuer.Settings) { s.RefreshRetryWindow = 0 },
		"no rotation by itself":    func(s *issuer.Settings) { s.KeyRotateEvery = -time.Second },
		"a seal key":               func(s *issuer.Settings) { s.SealKey = []string{sealKey} },
		"proxies":                  func(s *issuer.Settings) { s.TrustedProxies = []string{"10.0.0.0/8", "fd00::/8", "192.0.2.1"} },
		"origins": func(s *issuer.Settings) {
			s.CORSOrigins = []string{"https://app.example.com", "http://localhost:5173"}
		},
		"all events for ever":            func(s *issuer.Settings) { s.AuditTTL = 0 },
		"events for an hour":             func(s *issuer.Settings) { s.AuditTTL = time.Hour },
		"refresh as long as the session": func(s *issuer.Settings) { s.RefreshTTL = s.SessionTTL },
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			change(&s)
			if err := s.Validate(); err != nil {
				t.Errorf("Validate: %v", err)
			}
		})
	}
}

const sealKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func TestValidateRefuses(t *testing.T) {
	const anIssuer = "SIGNET_ISSUER: must be a URL such as https://auth.example.com"
	for name, c := range map[string]struct {
		change func(*issuer.Settings)
		want   string // the whole error
	}{
		"no issuer":            {func(s *issuer.Settings) { s.Issuer = "" }, anIssuer},
		"an issuer without //": {func(s *issuer.Settings) { s.Issuer = "https:auth.example.com" }, anIssuer},
		"a port alone":         {func(s *issuer.Settings) { s.Issuer = "https://:8080" }, anIssuer},
		"plain http": {func(s *issuer.Settings) { s.Issuer = "http://auth.example.com" },
			"SIGNET_ISSUER: must be https: plain http is for localhost and loopback addresses only"},
		"a name that only begins like loopback": {func(s *issuer.Settings) { s.Issuer = "http://127.0.0.1.example.com" },
			"SIGNET_ISSUER: must be https: plain http is for localhost and loopback addresses only"},
		"another scheme": {func(s *issuer.Settings) { s.Issuer = "ftp://localhost" }, "SIGNET_ISSUER: must begin with https://"},
		"a slash at the end": {func(s *issuer.Settings) { s.Issuer = "https://auth.example.com/" },
			"SIGNET_ISSUER: must not end in a slash: https://auth.example.com"},
		"a query": {func(s *issuer.Settings) { s.Issuer = "https://auth.example.com?x=1" },
			"SIGNET_ISSUER: must have no query and no fragment (RFC 8414 §2)"},
		"an empty query": {func(s *issuer.Settings) { s.Issuer = "https://auth.example.com?" },
			"SIGNET_ISSUER: must have no query and no fragment (RFC 8414 §2)"},
		"a fragment": {func(s *issuer.Settings) { s.Issuer = "https://auth.example.com#x" },
			"SIGNET_ISSUER: must have no query and no fragment (RFC 8414 §2)"},
		"a user": {func(s *issuer.Settings) { s.Issuer = "https://u:p@auth.example.com" },
			"SIGNET_ISSUER: must not hold a user or password"},
		"capitals": {func(s *issuer.Settings) { s.Issuer = "https://Auth.example.com" },
			"SIGNET_ISSUER: must be in lower case: it is compared letter by letter"},
		"an address without port": {func(s *issuer.Settings) { s.Addr = "127.0.0.1" },
			`SIGNET_ADDR: is "127.0.0.1": write host:port, as in 127.0.0.1:8080, or :8080 for all interfaces`},
		"a port too high": {func(s *issuer.Settings) { s.AdminAddr = "127.0.0.1:65536" },
			`SIGNET_ADMIN_ADDR: is "127.0.0.1:65536": write host:port, as in 127.0.0.1:8080, or :8080 for all interfaces`},
		"one address twice": {func(s *issuer.Settings) { s.AdminAddr = s.Addr },
			"SIGNET_ADMIN_ADDR: is the same as SIGNET_ADDR: admin calls have an address of their own"},
		"another database": {func(s *issuer.Settings) { s.DatabaseURL = "mysql://u:hunter2@h/d" },
			"SIGNET_DATABASE_URL: must begin with sqlite: or postgres://"},
		"SQLite without a path": {func(s *issuer.Settings) { s.DatabaseURL = "sqlite:" },
			"SIGNET_DATABASE_URL: must begin with sqlite: or postgres://"},
		"no place for data": {func(s *issuer.Settings) { s.DataDir = "" },
			"SIGNET_DATA_DIR: is empty: name a directory, or set SIGNET_DATABASE_URL"},
		"another Redis": {func(s *issuer.Settings) { s.RedisURL = "localhost:6379" },
			"SIGNET_REDIS_URL: must begin with redis://, rediss:// or unix://"},
		"a short seal key": {func(s *issuer.Settings) { s.SealKey = []string{"aGk="} },
			"SIGNET_SEAL_KEY: seal key 1 of 1: a seal key must be 32 bytes in base64: make one with `openssl rand -base64 32`"},
		"a seal key twice": {func(s *issuer.Settings) { s.SealKey = []string{sealKey, sealKey} },
			"SIGNET_SEAL_KEY: seal key 2 of 2 stands in the list twice"},
		"a relative audience": {func(s *issuer.Settings) { s.Audience = []string{"api"} },
			`SIGNET_AUDIENCE: "api" must be an absolute URI without a fragment (RFC 8707 §2), such as https://api.example.com`},
		"an audience with a fragment": {func(s *issuer.Settings) { s.Audience = []string{"https://api.example.com#a"} },
			`SIGNET_AUDIENCE: "https://api.example.com#a" must be an absolute URI without a fragment (RFC 8707 §2), such as https://api.example.com`},
		"an audience twice": {func(s *issuer.Settings) { s.Audience = []string{"https://a.example", "https://a.example"} },
			`SIGNET_AUDIENCE: names "https://a.example" twice: leave one out`},
		"the admin audience": {func(s *issuer.Settings) { s.Audience = []string{s.Issuer + "/admin"} },
			`SIGNET_AUDIENCE: "http://localhost:8080/admin" is the admin API's own: only the role admin grants it`},
		"access tokens too short": {func(s *issuer.Settings) { s.AccessTTL = 9 * time.Second },
			"SIGNET_ACCESS_TTL: is 9s: set it between 10s and 24h0m0s"},
		"access tokens too long": {func(s *issuer.Settings) { s.AccessTTL = 25 * time.Hour },
			"SIGNET_ACCESS_TTL: is 25h0m0s: set it between 10s and 24h0m0s"},
		"refresh beyond the session": {func(s *issuer.Settings) { s.RefreshTTL = s.SessionTTL + time.Hour },
			"SIGNET_REFRESH_TTL: is 721h0m0s, longer than SIGNET_SESSION_TTL 720h0m0s: lower the one or raise the other"},
		"no refresh": {func(s *issuer.Settings) { s.RefreshTTL, s.RefreshRetryWindow = 0, 0 },
			"SIGNET_REFRESH_TTL: is 0s: set it to a second or more"},
		"a retry window too long": {func(s *issuer.Settings) { s.RefreshRetryWindow = 11 * time.Minute },
			"SIGNET_REFRESH_RETRY_WINDOW: is 11m0s: set it between 0s and 10m0s"},
		"a retry window beyond the refresh": {func(s *issuer.Settings) { s.RefreshTTL = 30 * time.Second },
			"SIGNET_REFRESH_RETRY_WINDOW: is 1m0s, longer than SIGNET_REFRESH_TTL 30s: lower the one or raise the other"},
		"events for less than an hour": {func(s *issuer.Settings) { s.AuditTTL = time.Hour - time.Second },
			"SIGNET_AUDIT_TTL: is 59m59s: set it to 1h or more, or to 0s to keep every event"},
		"events for less than no time": {func(s *issuer.Settings) { s.AuditTTL = -time.Hour },
			"SIGNET_AUDIT_TTL: is -1h0m0s: set it to 1h or more, or to 0s to keep every event"},
		"no algorithm": {func(s *issuer.Settings) { s.KeyAlgs = nil }, "SIGNET_KEY_ALGS: name at least one algorithm, as in ES256,RS256"},
		"rotation never or always": {func(s *issuer.Settings) { s.KeyRotateEvery = 0 },
			"SIGNET_KEY_ROTATE_EVERY: say how often, as in 720h; -1s switches automatic rotation off"},
		"no max-age":       {func(s *issuer.Settings) { s.JWKSMaxAge = 0 }, "SIGNET_JWKS_MAX_AGE: set it to a second or more"},
		"bcrypt too cheap": {func(s *issuer.Settings) { s.BcryptCost = 9 }, "SIGNET_BCRYPT_COST: is 9: set it between 10 and 31"},
		"bcrypt too dear":  {func(s *issuer.Settings) { s.BcryptCost = 32 }, "SIGNET_BCRYPT_COST: is 32: set it between 10 and 31"},
		"short passwords":  {func(s *issuer.Settings) { s.PasswordMin = 7 }, "SIGNET_PASSWORD_MIN: is 7: set it between 8 and 72"},
		"workers below 0":  {func(s *issuer.Settings) { s.HashWorkers = -1 }, "SIGNET_HASH_WORKERS: is -1: set it between 0 and 1024"},
		"no queue":         {func(s *issuer.Settings) { s.HashQueue = 0 }, "SIGNET_HASH_QUEUE: is 0: set it between 1 and 100000"},
		"no deadline": {func(s *issuer.Settings) { s.HashDeadline = 0 },
			"SIGNET_HASH_DEADLINE: is 0s: set it between 10ms and 1m0s"},
		"no rate": {func(s *issuer.Settings) { s.LoginRate = limit.Rate{} },
			"SIGNET_LOGIN_RATE: must be a count and /s, /m or /h, as in 10/m"},
		"half a registration": {func(s *issuer.Settings) { s.Registration = "ajar" },
			`SIGNET_REGISTRATION: is "ajar": set it to one of open, closed`},
		"another level": {func(s *issuer.Settings) { s.LogLevel = "trace" },
			`SIGNET_LOG_LEVEL: is "trace": set it to one of debug, info, warn, error`},
		"a proxy by name": {func(s *issuer.Settings) { s.TrustedProxies = []string{"proxy.example.com"} },
			`SIGNET_TRUSTED_PROXIES: "proxy.example.com" must be an address or a prefix, as in 10.0.0.0/8`},
		"all proxies": {func(s *issuer.Settings) { s.TrustedProxies = []string{"0.0.0.0/0"} },
			`SIGNET_TRUSTED_PROXIES: "0.0.0.0/0" trusts everybody: any client could then choose the address it is throttled by; name your proxies`},
		"any origin": {func(s *issuer.Settings) { s.CORSOrigins = []string{"*"} },
			`SIGNET_CORS_ORIGINS: "*" must be an origin such as https://app.example.com; there is no wildcard, since cookies go with these calls`},
		"the null origin": {func(s *issuer.Settings) { s.CORSOrigins = []string{"null"} },
			`SIGNET_CORS_ORIGINS: "null" must be an origin such as https://app.example.com; there is no wildcard, since cookies go with these calls`},
		"an origin with a path": {func(s *issuer.Settings) { s.CORSOrigins = []string{"https://app.example.com/"} },
			`SIGNET_CORS_ORIGINS: "https://app.example.com/" must be scheme, host and port alone: https://app.example.com`},
		"an origin in capitals": {func(s *issuer.Settings) { s.CORSOrigins = []string{"https://App.example.com"} },
			`SIGNET_CORS_ORIGINS: "https://App.example.com" must be scheme, host and port alone: https://app.example.com`},
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			c.change(&s)
			err := s.Validate()
			if err == nil || err.Error() != c.want {
				t.Errorf("Validate: %v\n   want: %s", err, c.want)
			}
			if _, ok := errors.AsType[*issuer.SettingError](err); !ok {
				t.Errorf("Validate: %T holds no SettingError", err)
			}
		})
	}
}

// What keys refuse stays their error.
func TestValidateKeyPolicy(t *testing.T) {
	for name, change := range map[string]func(*issuer.Settings){
		"an unknown algorithm":             func(s *issuer.Settings) { s.KeyAlgs = []string{"HS256"} },
		"an algorithm twice":               func(s *issuer.Settings) { s.KeyAlgs = []string{"ES256", "ES256"} },
		"rotation within the publish wait": func(s *issuer.Settings) { s.KeyRotateEvery = s.JWKSMaxAge },
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			change(&s)
			if err := s.Validate(); !errors.Is(err, keys.ErrPolicy) {
				t.Errorf("Validate: %v, want keys.ErrPolicy", err)
			}
		})
	}
}

func TestValidateTellsAll(t *testing.T) {
	s := defaults()
	s.Issuer, s.BcryptCost, s.LogLevel = "http://auth.example.com", 4, "loud"
	err := s.Validate()
	if err == nil {
		t.Fatal("Validate: no error")
	}
	for _, setting := range []string{"SIGNET_ISSUER", "SIGNET_BCRYPT_COST", "SIGNET_LOG_LEVEL"} {
		if !strings.Contains(err.Error(), setting+": ") {
			t.Errorf("Validate: %v\ndoesn't tell of %s", err, setting)
		}
	}
}

// A URL that holds a password isn't repeated.
func TestValidateKeepsSecrets(t *testing.T) {
	s := defaults()
	s.DatabaseURL, s.RedisURL, s.SealKey = "mysql://u:hunter2@h/d", "http://u:hunter2@h", []string{"hunter2"}
	if err := s.Validate(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Validate: %v", err)
	}
}
