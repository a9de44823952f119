package issuer

import (
	"time"

	"github.com/signet-oidc/signet/issuer/limit"
)

// Settings are everything that can be set: one field, one flag (--redis-url), one
// environment variable (SIGNET_REDIS_URL) and one key of signet.yaml
// (redis_url). The tags are read by the command line; the settings table of the
// README is printed from them. Secrets can also be given as …_FILE.
type Settings struct {
	Issuer      string   `default:"http://localhost:8080" help:"Issuer URL: the iss of every token. https, unless the host is localhost or a loopback address."`
	Addr        string   `default:"127.0.0.1:8080" help:"Public address: first-party calls, OAuth, JWKS."`
	AdminAddr   string   `default:"127.0.0.1:8081" help:"Operations address: admin calls, health, metrics."`
	TLSCert     string   `placeholder:"FILE" help:"Certificate chain (PEM) of the public address, which then speaks HTTPS (TLS 1.2 and 1.3); read again when the file changes. The operations address stays plain HTTP: keep it on loopback or an inner network. Default: plain HTTP, behind your TLS proxy."`
	TLSKey      string   `placeholder:"FILE" help:"Private key (PEM) of the certificate."`
	DataDir     string   `default:".signet" help:"Directory of the embedded database."`
	DatabaseURL string   `placeholder:"URL" secret:"" help:"sqlite:PATH or postgres://…; default: SQLite in the data directory."`
	RedisURL    string   `placeholder:"URL" secret:"" help:"redis://, rediss:// or unix://; several addresses for Cluster, Sentinel by master name. Default: token state in the database."`
	SealKey     []string `placeholder:"KEY" secret:"" help:"32 bytes in base64 that seal the private keys; several by comma: all open, the first seals."`
	Audience    []string `placeholder:"URL" help:"Audiences that first-party logins may ask for; the first is the default. Default: the issuer URL."`

	AccessTTL          time.Duration `default:"15m" help:"Life of an access token."`
	RefreshTTL         time.Duration `default:"168h" help:"Life of a refresh token from its last use."`
	SessionTTL         time.Duration `default:"720h" help:"Life of a session from its login."`
	RefreshRetryWindow time.Duration `default:"60s" help:"In which a refresh whose answer was lost can be retried."`
	AuditTTL           time.Duration `default:"9600h" help:"How long an audit event is kept, whatever its kind: 1h or more; 0s keeps all for ever."`

	KeyAlgs        []string      `default:"ES256,RS256" help:"Algorithms with a key ring; the first signs where a client has no other. ES256, RS256, ES384, PS256, EdDSA."`
	KeyRotateEvery time.Duration `default:"720h" help:"How often signing keys rotate by themselves."`
	JWKSMaxAge     time.Duration `name:"jwks-max-age" default:"5m" help:"How long verifiers may keep the JWKS."`

	BcryptCost        int           `default:"12" help:"Cost of a password hash: 10 to 31."`
	PasswordMin       int           `default:"8" help:"Fewest characters of a password: 8 to 72."`
	PasswordBlocklist bool          `default:"true" negatable:"" help:"Refuse the commonest passwords."`
	HashWorkers       int           `help:"Passwords hashed at once. Default: cores − 1, at least 1."`
	HashQueue         int           `default:"64" help:"Logins that may wait for a hash worker."`
	HashDeadline      time.Duration `default:"1s" help:"How long a login may wait for a hash worker."`

	LoginRate        limit.Rate `default:"60/m" help:"Logins (and registrations, and failed client authentications) an address."`
	LoginRateAccount limit.Rate `default:"10/m" help:"Logins an account."`
	Registration     string     `default:"open" enum:"open,closed" help:"Whether POST /register answers: open, closed."`

	RequirePKCE        bool     `default:"false" negatable:"" help:"Require PKCE of confidential clients too; public clients always need it."`
	ClientRegistration string   `default:"closed" enum:"closed,token,open" help:"Dynamic client registration: closed, token (with an initial access token), open (to anybody, at the rate of SIGNET_LOGIN_RATE_ACCOUNT an address)."`
	InitialAccessToken []string `placeholder:"TOKEN" secret:"" help:"Bearer tokens with which clients may be registered; several by comma. 20 characters or more, as from openssl rand -base64 32."`
	OutboundCA         string   `placeholder:"FILE" help:"Certificates (PEM) trusted beside the system's where Signet calls a client (jwks_uri, sector_identifier_uri, back-channel logout)."`
	OutboundAllow      []string `placeholder:"HOST" help:"Hosts by exact name, addresses or prefixes that Signet may call though they are private or loopback; always by https."`

	BrandName  string `default:"Signet" help:"Name on the pages, 1 to 64 characters."`
	BrandLogo  string `placeholder:"URL" help:"Logo on the pages: an https URL, or a path on the issuer's own host, as in /logo.svg."`
	BrandColor string `default:"#1d4ed8" help:"Colour of buttons and links on the pages, #rrggbb, with a contrast of 4.5 or more to white (quote it in a file: # begins a comment there)."`

	TrustedProxies []string `placeholder:"PREFIX" help:"Proxies whose X-Forwarded-For is believed, as addresses or prefixes."`
	CORSOrigins    []string `name:"cors-origins" placeholder:"ORIGIN" help:"Browser origins that may call; none by default."`
	LogLevel       string   `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
}
