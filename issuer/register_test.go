package issuer_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
)

// initial is an initial access token.
const initial = "an-initial-access-token-of-the-operator"

// open lets anybody register a client, as often as the tests like.
func open(s *issuer.Settings) { s.ClientRegistration, s.InitialAccessToken = "open", []string{initial} }

// self is a client that registered itself.
type self struct {
	answer
	s *server
}

func (s *server) enroll(body string, header ...string) self {
	s.t.Helper()
	return self{s.want(s.post("/oauth/register", body, header...), 201, ""), s}
}

func (c self) id() string    { return c.str("client_id") }
func (c self) token() string { return c.str("registration_access_token") }

// manage calls the client's configuration endpoint with its own token.
func (c self) manage(method, body string) answer {
	c.s.t.Helper()
	return c.s.call(method, c.str("registration_client_uri"), body, "Authorization", "Bearer "+c.token())
}

// with is all that the client was told, with members replaced, as a body of PUT.
func (c self) with(pairs ...any) string {
	m := map[string]any{}
	for name, value := range c.body {
		m[name] = value
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	b, err := json.Marshal(m)
	c.s.must(err)
	return string(b)
}

func (s *server) stored(name string) client.Client {
	s.t.Helper()
	c, err := s.db.Backend().Clients.ByID(s.t.Context(), id.Client(name))
	s.must(err)
	return c
}

const least = `{"redirect_uris":["` + callback + `"]}`

// TestRegistrationDefaults: what is left out has the defaults of RFC 7591 §2 and OpenID
// Connect Dynamic Client Registration §2, and the answer says all of it (§3.2.1).
func TestRegistrationDefaults(t *testing.T) {
	s := start(t, open)
	before := time.Now().Unix()
	c := s.enroll(least)
	if c.header.Get("Cache-Control") != "no-store" || c.header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", c.header)
	}
	if issued, _ := c.body["client_id_issued_at"].(float64); int64(issued) < before || int64(issued) > time.Now().Unix() {
		t.Errorf("client_id_issued_at %v", c.body["client_id_issued_at"])
	}
	if !strings.HasPrefix(c.id(), "dcr_") || !strings.HasPrefix(c.str("client_secret"), "sgs_") || !strings.HasPrefix(c.token(), "sga_") {
		t.Errorf("id, secret, token: %s", c.raw)
	}
	if c.str("registration_client_uri") != s.url+"/oauth/register/"+c.id() {
		t.Errorf("registration_client_uri %q", c.str("registration_client_uri"))
	}
	for _, name := range []string{"client_id", "client_secret", "client_id_issued_at", "registration_access_token", "registration_client_uri"} {
		delete(c.body, name)
	}
	want := map[string]any{
		"client_secret_expires_at": 0.0, "redirect_uris": []any{callback}, "response_types": []any{"code"}, "grant_types": []any{"authorization_code"},
		"application_type": "web", "token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "RS256", "subject_type": "public",
		"scope": "openid profile email phone address roles offline_access",
	}
	if diff := cmp.Diff(want, c.body); diff != "" {
		t.Error(diff)
	}
}

// everything is a registration with every member that means something here.
var everything = map[string]any{
	"redirect_uris": []any{callback, "http://127.0.0.1/cb"}, "response_types": []any{"code"}, "grant_types": []any{"authorization_code", "refresh_token"},
	"application_type": "native", "contacts": []any{"ops@client.example"}, "client_name": "An App – 应用",
	"logo_uri": "https://client.example/logo.png", "client_uri": "https://client.example/", "policy_uri": "https://client.example/policy", "tos_uri": "https://client.example/tos",
	"jwks":                         map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}},
	"subject_type":                 "public",
	"id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "RS256",
	"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
	"default_max_age": 3600.0, "require_auth_time": true, "default_acr_values": []any{"urn:mace:incommon:iap:silver"},
	"initiate_login_uri": "https://client.example/login", "post_logout_redirect_uris": []any{"https://client.example/bye"},
	"backchannel_logout_uri": "https://client.example/logout", "backchannel_logout_session_required": true,
	"software_id": "4NRB1-0XZABZI9E6-5SM3R", "software_version": "2.1", "scope": "openid email offline_access",
	"require_pushed_authorization_requests": true, "dpop_bound_access_tokens": true,
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRegistrationHonours is what the modules oidcc-registration-logo-uri, -policy-uri,
// -tos-uri and -jwks-uri begin with: all of it is registered, said and stored.
func TestRegistrationHonours(t *testing.T) {
	s := start(t, open)
	c := s.enroll(text(t, everything))
	for _, a := range []answer{c.answer, s.want(c.manage("GET", ""), 200, ""), s.want(c.manage("PUT", c.with()), 200, "")} {
		for name, want := range everything {
			if !cmp.Equal(a.body[name], want) {
				t.Errorf("%s is %v, want %v", name, a.body[name], want)
			}
		}
		if a.str("client_secret") != "" || a.body["client_secret_expires_at"] != nil {
			t.Errorf("who signs assertions has no secret: %s", a.raw)
		}
		if a.str("registration_access_token") != c.token() || a.str("client_id") != c.id() {
			t.Errorf("id and token: %s", a.raw)
		}
	}
	if kept := s.stored(c.id()); kept.BackchannelLogoutURI != "https://client.example/logout" || !kept.RequirePushed || *kept.DefaultMaxAge != 3600 || kept.Version != 2 {
		t.Errorf("stored %+v", kept)
	}
	elsewhere := map[string]any{"jwks_uri": "https://client.example/jwks"}
	for name, value := range everything {
		if name != "jwks" {
			elsewhere[name] = value
		}
	}
	if got := s.enroll(text(t, elsewhere)); got.str("jwks_uri") != "https://client.example/jwks" || got.body["jwks"] != nil {
		t.Errorf("%s", got.raw)
	}
}

// TestRegistrationRefuses: what can't be, what is relied on in vain, and attacks.
func TestRegistrationRefuses(t *testing.T) {
	s := start(t, open)
	const meta, redirect = "invalid_client_metadata", "invalid_redirect_uri"
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	for name, c := range map[string]struct {
		body string
		code string
		says string // in the description
	}{
		"no redirect":                             {`{}`, redirect, "redirect_uris"},
		"an empty list of them":                   {`{"redirect_uris":[]}`, redirect, "redirect_uris"},
		"a fragment (oidcc-redirect-uri-regfrag)": {`{"redirect_uris":["https://client.example/cb#f"]}`, redirect, "fragment"},
		"a script":                                {`{"redirect_uris":["javascript:alert(1)"]}`, redirect, "redirect_uris"},
		"a script with a dot":                     {`{"redirect_uris":["javascript:alert(document.cookie)"]}`, redirect, "redirect_uris"},
		"a document":                              {`{"redirect_uris":["data:text/html,x"]}`, redirect, "redirect_uris"},
		"http":                                    {`{"redirect_uris":["http://client.example/cb"]}`, redirect, "https"},
		"http to a name like localhost":           {`{"redirect_uris":["http://localhost.client.example/cb"]}`, redirect, "https"},
		"user information":                        {`{"redirect_uris":["https://client.example@evil.example/cb"]}`, redirect, "user information"},
		"a backslash":                             {`{"redirect_uris":["https://client.example\\@evil.example/"]}`, redirect, "RFC 3986"},
		"relative":                                {`{"redirect_uris":["//client.example/cb"]}`, redirect, "absolute"},
		"a wildcard host is only a host":          {`{"redirect_uris":["*"]}`, redirect, "absolute"},
		"twice":                                   {`{"redirect_uris":["` + callback + `","` + callback + `"]}`, redirect, "twice"},
		"one good, one bad":                       {`{"redirect_uris":["` + callback + `","http://evil.example"]}`, redirect, "evil.example"},
		"too many":                                {`{"redirect_uris":[` + strings.TrimSuffix(strings.Repeat(`"https://a.example/",`, 65), ",") + `]}`, redirect, "at most"},
		"a text for the list":                     {`{"redirect_uris":"` + callback + `"}`, redirect, "redirect_uris: has the wrong type"},
		"numbers in the list":                     {`{"redirect_uris":[1]}`, redirect, "redirect_uris: has the wrong type"},

		"implicit":                  {with("response_types", `["id_token"]`), meta, "response_types"},
		"hybrid":                    {with("response_types", `["code","code id_token"]`), meta, "response_types"},
		"none for a response type":  {with("grant_types", `["refresh_token"]`, "response_types", `["code"]`), meta, "grant_types"},
		"the implicit grant":        {with("grant_types", `["authorization_code","implicit"]`), meta, "grant_types"},
		"the password grant":        {with("grant_types", `["authorization_code","password"]`), meta, "grant_types"},
		"a client's own tokens":     {with("grant_types", `["authorization_code","client_credentials"]`), meta, "grant_types"},
		"a scope of another's API":  {with("scope", `"openid read"`), meta, "scope"},
		"two spaces":                {with("scope", `"openid  email"`), meta, "scope"},
		"another application type":  {with("application_type", `"service"`), meta, "application_type"},
		"web with its own scheme":   {`{"application_type":"web","redirect_uris":["com.example.app:/cb"]}`, meta, "application_type"},
		"pairwise":                  {with("subject_type", `"pairwise"`), meta, "subject_type"},
		"an unsigned ID token":      {with("id_token_signed_response_alg", `"none"`), meta, "id_token_signed_response_alg"},
		"an ID token by HS256":      {with("id_token_signed_response_alg", `"HS256"`), meta, "id_token_signed_response_alg"},
		"a ring that isn't there":   {with("id_token_signed_response_alg", `"ES384"`), meta, "id_token_signed_response_alg"},
		"userinfo by HS256":         {with("userinfo_signed_response_alg", `"HS256"`), meta, "userinfo_signed_response_alg"},
		"an encrypted ID token":     {with("id_token_encrypted_response_alg", `"RSA-OAEP"`), meta, "id_token_encrypted_response_alg"},
		"encrypted userinfo":        {with("userinfo_encrypted_response_enc", `"A128GCM"`), meta, "userinfo_encrypted_response_enc"},
		"a signed answer":           {with("authorization_signed_response_alg", `"RS256"`), meta, "authorization_signed_response_alg"},
		"bound to a certificate":    {with("tls_client_certificate_bound_access_tokens", `true`), meta, "tls_client_certificate_bound_access_tokens"},
		"signed requests alone":     {with("require_signed_request_object", `true`), meta, "require_signed_request_object"},
		"client_secret_jwt":         {with("token_endpoint_auth_method", `"client_secret_jwt"`), meta, "token_endpoint_auth_method"},
		"tls_client_auth":           {with("token_endpoint_auth_method", `"tls_client_auth"`), meta, "token_endpoint_auth_method"},
		"assertions without keys":   {with("token_endpoint_auth_method", `"private_key_jwt"`), meta, "jwks"},
		"assertions by HS256":       {with("token_endpoint_auth_signing_alg", `"HS256"`), meta, "token_endpoint_auth_signing_alg"},
		"a private key":             {with("jwks", `{"keys":[{"kty":"EC","d":"x"}]}`), meta, "private"},
		"a symmetric key":           {with("jwks", `{"keys":[{"kty":"oct","k":"x"}]}`), meta, "private"},
		"keys here and elsewhere":   {with("jwks", `{"keys":[]}`, "jwks_uri", `"https://client.example/jwks"`), meta, "jwks"},
		"keys by http":              {with("jwks_uri", `"http://client.example/jwks"`), meta, "jwks_uri"},
		"a file for keys":           {with("jwks_uri", `"file:///etc/passwd"`), meta, "jwks_uri"},
		"a script for a logo":       {with("logo_uri", `"javascript:alert(1)"`), meta, "logo_uri"},
		"a script for terms":        {with("tos_uri", `"javascript:alert(1)"`), meta, "tos_uri"},
		"a login by http":           {with("initiate_login_uri", `"http://client.example/login"`), meta, "initiate_login_uri"},
		"a logout by http":          {with("backchannel_logout_uri", `"http://client.example/logout"`), meta, "backchannel_logout_uri"},
		"a logout with a fragment":  {with("backchannel_logout_uri", `"https://client.example/logout#x"`), meta, "backchannel_logout_uri"},
		"a script after logout":     {with("post_logout_redirect_uris", `["javascript:alert(1)"]`), meta, "post_logout_redirect_uris"},
		"an age below 0":            {with("default_max_age", `-1`), meta, "default_max_age"},
		"an age in words":           {with("default_max_age", `"1h"`), meta, "default_max_age: has the wrong type"},
		"yes for a boolean":         {with("require_auth_time", `"yes"`), meta, "require_auth_time: has the wrong type"},
		"a name that turns":         {with("client_name", `"Ap\u202ep"`), meta, "client_name"},
		"a statement":               {with("software_statement", `"e30.e30.e30"`), "unapproved_software_statement", "software_statement"},
		"a sector that isn't https": {with("sector_identifier_uri", `"http://client.example/s.json"`), meta, "sector_identifier_uri"},

		"a member twice":        {`{"redirect_uris":["` + callback + `"],"redirect_uris":["https://evil.example"]}`, meta, "each member once"},
		"a member in two cases": {`{"redirect_uris":["` + callback + `"],"Redirect_URIs":["https://evil.example"]}`, meta, "each member once"},
		"two documents":         {least + least, meta, "one JSON object"},
		"a list":                {`[` + least + `]`, meta, "one JSON object"},
		"no JSON":               {`redirect_uris=x`, meta, "one JSON object"},
		"nested too deep":       {with("x", deep), meta, "one JSON object"},
		"too large":             {with("x", `"`+strings.Repeat("x", 16<<10)+`"`), "invalid_request", "over 16 KiB"},
	} {
		a := s.post("/oauth/register", c.body)
		if status := map[bool]int{true: 413, false: 400}[c.code == "invalid_request"]; a.status != status || a.str("error") != c.code || !strings.Contains(a.str("error_description"), c.says) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
		if strings.ContainsFunc(a.str("error_description"), func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
			t.Errorf("%s: %q isn't what a description may be (RFC 6749 §5.2)", name, a.str("error_description"))
		}
	}
	s.want(s.post("/oauth/register", least, "Content-Type", "text/plain"), 415, "invalid_request")
	s.want(s.call("GET", s.url+"/oauth/register", ""), 405, "method_not_allowed")
	clients, err := s.db.Backend().Clients.List(t.Context(), "", 10)
	if err != nil || len(clients) > 0 {
		t.Errorf("a refused client is there: %v %v", clients, err)
	}
}

// with is a registration with more members; pairs of name and JSON.
func with(pairs ...string) string {
	b := strings.TrimSuffix(least, "}")
	for i := 0; i+1 < len(pairs); i += 2 {
		b += `,"` + pairs[i] + `":` + pairs[i+1]
	}
	return b + "}"
}

// TestRegistrationIgnores: what isn't known is passed over (RFC 7591 §2), and so is all
// that a client may not say of itself.
func TestRegistrationIgnores(t *testing.T) {
	s := start(t, open)
	c := s.enroll(with(
		"client_id", `"signet"`, "client_secret", `"chosen"`, "registration_access_token", `"chosen"`, "id", `"usr_x"`, "version", `7`,
		"trusted", `"yes"`, "roles", `["admin"]`, "audiences", `["`+s.url+`/admin"]`, "token_alg", `"HS256"`, "public", `true`, "secrets", `[{"hash":[]}]`,
		"Token_Endpoint_Auth_Method", `"none"`, "client_name#de", `"Ein Name"`, "request_uris", `["https://client.example/r"]`, "request_object_signing_alg", `"none"`,
		"frontchannel_logout_uri", `"https://client.example/out"`, "jwks", `null`, "default_max_age", `null`, "logo_uri", `""`, "x", `{"y":[1]}`,
		"require_signed_request_object", `false`, "id_token_encrypted_response_alg", `null`,
	))
	kept := s.stored(c.id())
	if c.id() == "signet" || kept.Trusted || len(kept.Roles)+len(kept.Audiences) > 0 || kept.TokenAlg != "" || kept.Public || kept.Version != 1 || len(kept.Secrets) != 1 {
		t.Errorf("taken from the client: %+v", kept)
	}
	for _, name := range []string{"trusted", "roles", "client_name#de", "request_uris", "request_object_signing_alg", "frontchannel_logout_uri", "jwks", "logo_uri", "x"} {
		if v, there := c.body[name]; there {
			t.Errorf("%s is said to be registered: %v", name, v)
		}
	}
	if c.str("client_secret") == "chosen" || c.token() == "chosen" {
		t.Errorf("chosen by the client: %s", c.raw)
	}
	s.want(c.manage("GET", ""), 200, "")
}

// TestRegisteredClientLogsIn: a client that has just registered is known at once, by its
// own secret and redirect, and gets what it is registered for (oidcc-server of the
// Dynamic OP profile, by client_secret_basic, client_secret_post and none).
func TestRegisteredClientLogsIn(t *testing.T) {
	s, b, _ := ada(t, open)
	for _, method := range []string{"client_secret_basic", "client_secret_post", "none"} {
		c := s.enroll(with("token_endpoint_auth_method", `"`+method+`"`, "grant_types", `["authorization_code","refresh_token"]`))
		if (c.str("client_secret") == "") != (method == "none") {
			t.Errorf("%s: %s", method, c.raw)
		}
		code := b.code(c.id(), adas)
		who, more := [2]string{c.id(), c.str("client_secret")}, []string{}
		if method == "client_secret_post" {
			who, more = [2]string{c.id(), ""}, []string{"client_secret", c.str("client_secret")}
		}
		a := s.want(s.exchange(who, code, more...), 200, "")
		if got := headerOf(t, a.str("id_token"))["alg"]; got != "RS256" { // the default of registration
			t.Errorf("%s: the ID token is signed by %v", method, got)
		}
		if jwtOf(t, a.str("id_token"))["aud"] != c.id() || a.str("refresh_token") == "" {
			t.Errorf("%s: %s", method, a.raw)
		}
		s.want(c.manage("DELETE", ""), 204, "")
		s.want(s.form("/oauth/token", who, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}}), 401, "invalid_client")
	}
	c := s.enroll(with("id_token_signed_response_alg", `"ES256"`)) // oidcc-idtoken-…, and no refresh token where none was asked
	a := s.want(s.exchange([2]string{c.id(), c.str("client_secret")}, b.code(c.id(), adas)), 200, "")
	if headerOf(t, a.str("id_token"))["alg"] != "ES256" || a.str("refresh_token") != "" {
		t.Errorf("%s", a.raw)
	}
	// oidcc-ensure-registered-redirect-uri, oidcc-redirect-uri-query-added
	for _, other := range []string{"https://client.example/other", callback + "?a=b"} {
		if p := b.get(s.authorizeURL(c.id(), "redirect_uri", other)); p.leaves != "" {
			t.Errorf("sent to %s", p.leaves)
		}
	}
}

func TestRegistrationByToken(t *testing.T) {
	s := start(t, func(c *issuer.Settings) {
		c.ClientRegistration, c.InitialAccessToken = "token", []string{"another-initial-access-token", initial}
		c.LoginRateAccount = limit.Rate{Count: 6, Per: time.Hour}
	})
	for _, token := range []string{initial, "another-initial-access-token"} {
		s.enroll(least, "Authorization", "Bearer "+token)
	}
	c := s.enroll(`{"grant_types":["client_credentials"],"scope":"openid"}`, "Authorization", "bearer "+initial)
	got := s.want(s.form("/oauth/token", [2]string{c.id(), c.str("client_secret")}, url.Values{"grant_type": {"client_credentials"}}), 200, "")
	if strings.Contains(claims(t, got.str("access_token")), "admin") {
		t.Errorf("a client that registered itself may %s", claims(t, got.str("access_token")))
	}
	s.want(s.post("/oauth/register", `{"grant_types":["password"]}`, "Authorization", "Bearer "+initial), 400, "invalid_client_metadata")
	for name, header := range map[string]string{
		"none": "", "another's": "Bearer " + strings.Repeat("x", 40), "cut": "Bearer " + initial[:len(initial)-1], "longer": "Bearer " + initial + "x",
		"a registration access token": "Bearer " + c.token(), "by basic": "Basic " + initial,
	} {
		a := s.want(s.post("/oauth/register?access_token="+initial, least, "Authorization", header), 401, "invalid_token")
		want := `Bearer error="invalid_token"`
		if !strings.HasPrefix(header, "Bearer ") { // RFC 6750 §3.1: no error where no token was given
			want = "Bearer"
		}
		if a.header.Get("WWW-Authenticate") != want {
			t.Errorf("%s: challenge %q", name, a.header.Get("WWW-Authenticate"))
		}
	}
	s.want(s.post("/oauth/register", least, "Authorization", "Bearer wrong"), 429, "too_many_requests")
	s.enroll(least, "Authorization", "Bearer "+initial) // who knows it never waits for those that guess
	s.want(s.post("/oauth/register", least, "Authorization", "Bearer a b"), 400, "invalid_request")
	if got := s.discovered()["registration_endpoint"]; got != s.url+"/oauth/register" {
		t.Errorf("registration_endpoint %v", got)
	}
}

func (s *server) discovered() map[string]any {
	s.t.Helper()
	return s.want(s.call("GET", s.url+"/.well-known/openid-configuration", ""), 200, "").body
}

func TestOpenRegistrationIsThrottled(t *testing.T) {
	s := start(t, func(c *issuer.Settings) {
		open(c)
		c.LoginRateAccount = limit.Rate{Count: 2, Per: time.Hour}
	})
	s.enroll(least)
	s.want(s.post("/oauth/register", `{}`), 400, "invalid_redirect_uri") // counted as well
	if a := s.want(s.post("/oauth/register", least), 429, "too_many_requests"); a.header.Get("Retry-After") == "" {
		t.Errorf("header %v", a.header)
	}
	s.enroll(least, "Authorization", "Bearer "+initial)
	// Each kind of attempt has its own counter.
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
}

// again is the URL of a second server on the same database, with other settings.
func (s *server) again(cfg issuer.Settings) string {
	s.t.Helper()
	other, err := issuer.New(s.t.Context(), issuer.Config{Settings: cfg, Backend: s.db.Backend(), Keeper: s.keeper, Version: "test"})
	s.must(err)
	web := httptest.NewServer(other.Public())
	s.t.Cleanup(web.Close)
	return web.URL
}

func TestRegistrationClosed(t *testing.T) {
	s := start(t, open)
	c := s.enroll(least)
	cfg := settings(s.url)
	cfg.InitialAccessToken = []string{initial} // left over from before
	closed := s.again(cfg)
	for method, path := range map[string]string{"POST": "", "GET": "/" + c.id(), "PUT": "/" + c.id(), "DELETE": "/" + c.id()} {
		for _, token := range []string{initial, c.token()} {
			a := s.call(method, closed+"/oauth/register"+path, least, "Authorization", "Bearer "+token)
			s.want(a, 403, "registration_closed")
		}
	}
	if doc := s.want(s.call("GET", closed+"/.well-known/openid-configuration", ""), 200, ""); doc.body["registration_endpoint"] != nil {
		t.Errorf("discovery says %v", doc.body["registration_endpoint"])
	}
}

// TestManageRegistration is RFC 7592: read, replace, delete.
func TestManageRegistration(t *testing.T) {
	s, b, _ := ada(t, open)
	c := s.enroll(with("client_name", `"Before"`, "logo_uri", `"https://client.example/logo.png"`, "scope", `"openid"`))
	secret := [2]string{c.id(), c.str("client_secret")}
	read := s.want(c.manage("GET", ""), 200, "")
	if read.str("client_name") != "Before" || read.str("client_secret") != "" || read.body["client_secret_expires_at"] != 0.0 || read.header.Get("Cache-Control") != "no-store" {
		t.Errorf("read %s", read.raw)
	}
	code := b.code(c.id(), adas, "scope", "openid")

	// What is left out is no more (§2.2); id, secret and token stay.
	put := s.want(c.manage("PUT", `{"client_id":"`+c.id()+`","redirect_uris":["`+callback+`","https://client.example/two"],"client_name":"After"}`), 200, "")
	if put.str("client_name") != "After" || put.body["logo_uri"] != nil || put.str("client_id") != c.id() || put.str("client_secret") != "" || put.str("registration_access_token") != c.token() {
		t.Errorf("put %s", put.raw)
	}
	s.want(s.exchange(secret, code), 200, "")
	s.want(c.manage("PUT", c.with("client_secret", secret[1])), 200, "")
	for name, body := range map[string]string{
		"no id":                `{"redirect_uris":["` + callback + `"]}`,
		"another's id":         c.with("client_id", "web"),
		"another secret":       c.with("client_secret", "sgs_wrong"),
		"public from now on":   c.with("token_endpoint_auth_method", "none"),
		"a grant":              c.with("grant_types", []string{"authorization_code", "client_credentials"}),
		"a scope":              c.with("scope", "openid admin"),
		"no redirect any more": `{"client_id":"` + c.id() + `"}`,
	} {
		if a := c.manage("PUT", body); a.status != 400 || !strings.HasPrefix(a.str("error"), "invalid_") {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if kept := s.stored(c.id()); kept.Version != 3 || kept.Name != "Before" {
		t.Errorf("a refused change is stored: %+v", kept)
	}

	gone := s.want(c.manage("DELETE", ""), 204, "")
	if gone.raw != "" || gone.header.Get("Cache-Control") != "no-store" {
		t.Errorf("delete: %q %v", gone.raw, gone.header)
	}
	for method, body := range map[string]string{"GET": "", "PUT": c.with(), "DELETE": ""} {
		s.want(c.manage(method, body), 401, "invalid_token")
	}
	s.want(s.form("/oauth/token", secret, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}), 401, "invalid_client")
}

// TestManageKeepsWhatAnOperatorGave: neither lost by a PUT nor taken from one.
func TestManageKeepsWhatAnOperatorGave(t *testing.T) {
	s := start(t, open)
	token, _ := s.operator("root@example.com")
	c := s.enroll(least)
	change := `{"trusted":true,"roles":["robot"],"audiences":["https://api.example"],"scopes":["openid","read"],"grants":["authorization_code","client_credentials"],"token_alg":"ES256"}`
	a := s.want(s.call("PATCH", s.admin+"/admin/clients/"+c.id(), change, "Authorization", "Bearer "+token), 200, "")
	if strings.Contains(a.raw, "hash") || !strings.Contains(a.raw, `"registration":{"created"`) {
		t.Errorf("an operator sees %s", a.raw)
	}
	put := s.want(c.manage("PUT", c.with("trusted", false, "roles", []string{"admin"}, "audiences", []string{s.url + "/admin"}, "scope", "openid read", "grant_types", []string{"authorization_code", "client_credentials"})), 200, "")
	kept := s.stored(c.id())
	if !kept.Trusted || !slices.Equal(kept.Roles, []string{"robot"}) || !slices.Equal(kept.Audiences, []string{"https://api.example"}) || kept.TokenAlg != "ES256" || put.str("scope") != "openid read" {
		t.Errorf("kept %+v, told %s", kept, put.raw)
	}
	if put.body["trusted"] != nil || put.body["roles"] != nil {
		t.Errorf("the client is told %s", put.raw)
	}
}

// TestManageTakeover: nobody manages another's client.
func TestManageTakeover(t *testing.T) {
	s := start(t, func(c *issuer.Settings) {
		open(c)
		c.LoginRateAccount = limit.Rate{Count: 100, Per: time.Hour}
	})
	s.register("theirs", nil) // an operator's
	mine, yours := s.enroll(least), s.enroll(least)
	for name, c := range map[string]struct{ client, token string }{
		"A's token on B":             {yours.id(), mine.token()},
		"on an operator's client":    {"theirs", mine.token()},
		"on the built-in client":     {"signet", mine.token()},
		"on nobody":                  {"dcr_nobody", mine.token()},
		"the initial access token":   {yours.id(), initial},
		"the client's secret":        {yours.id(), yours.str("client_secret")},
		"cut":                        {yours.id(), yours.token()[:46]},
		"none":                       {yours.id(), ""},
		"a path out of the endpoint": {"..%2Fregister%2F" + yours.id(), mine.token()},
		"an id that isn't one":       {"%00%ff", mine.token()},
	} {
		for method, body := range map[string]string{"GET": "", "PUT": yours.with(), "DELETE": ""} {
			header := []string{"Authorization", "Bearer " + c.token}
			if c.token == "" {
				header = nil
			}
			a := s.call(method, s.url+"/oauth/register/"+c.client, body, header...)
			if a.status != 401 || a.str("error") != "invalid_token" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: %s %d %s", name, method, a.status, a.raw)
			}
		}
	}
	// By PUT of another's id with one's own token and place: refused as well.
	s.want(mine.manage("PUT", yours.with()), 400, "invalid_client_metadata")
	if got := s.want(yours.manage("GET", ""), 200, ""); got.str("client_id") != yours.id() {
		t.Errorf("%s", got.raw)
	}
	// Neither token is good for anything else.
	s.want(s.form("/oauth/token", [2]string{mine.id(), mine.token()}, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}), 401, "invalid_client")
	s.want(s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+mine.token()), 401, "invalid_token")
	s.want(s.call("GET", s.admin+"/admin/clients", "", "Authorization", "Bearer "+initial), 401, "invalid_token")
}

func TestManageGuessesAreThrottled(t *testing.T) {
	s := start(t, func(c *issuer.Settings) {
		open(c)
		c.LoginRateAccount = limit.Rate{Count: 2, Per: time.Hour}
	})
	c := s.enroll(least)
	guess := func() answer {
		return s.call("GET", c.str("registration_client_uri"), "", "Authorization", "Bearer sga_guess")
	}
	s.want(guess(), 401, "invalid_token")
	s.want(guess(), 401, "invalid_token")
	s.want(guess(), 429, "too_many_requests")
	s.want(c.manage("GET", ""), 200, "")
}

func TestRegistrationIsAudited(t *testing.T) {
	s := start(t, open)
	c := s.enroll(least)
	s.want(c.manage("PUT", c.with("client_name", "Other")), 200, "")
	s.want(c.manage("DELETE", ""), 204, "")
	events, err := s.db.Backend().Audit.Events(t.Context(), audit.Query{Limit: 10})
	s.must(err)
	var kinds []audit.Kind
	for _, e := range events {
		if e.Kind == audit.KeysChanged {
			continue
		}
		if e.Client != id.Client(c.id()) || e.Actor != c.id() || e.Reason != "registration" || e.Address == "" || e.RequestID == "" {
			t.Errorf("event %+v", e)
		}
		kinds = append(kinds, e.Kind)
	}
	if want := []audit.Kind{audit.ClientDeleted, audit.ClientChanged, audit.ClientCreated}; !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
	for _, secret := range []string{c.str("client_secret"), c.token(), initial} {
		if strings.Contains(s.log.String(), secret) || strings.Contains(fmt.Sprint(events), secret) {
			t.Errorf("%.8s… is in the log or the audit", secret)
		}
	}
}

// TestRegistrationSector are the modules oidcc-registration-sector-uri and
// oidcc-registration-sector-bad, but for pairwise subjects.
func TestRegistrationSector(t *testing.T) {
	site := newSite(t, json.RawMessage(`["https://other.example/","`+callback+`"]`))
	s := start(t, func(c *issuer.Settings) {
		open(c)
		c.OutboundCA, c.OutboundAllow = site.ca(t), []string{"127.0.0.1"}
	})
	sector := with("sector_identifier_uri", `"`+site.URL+`/s.json"`)
	c := s.enroll(sector)
	if c.str("sector_identifier_uri") != site.URL+"/s.json" {
		t.Errorf("%s", c.raw)
	}
	for name, doc := range map[string]string{
		"not the redirect": `["https://other.example/"]`, "a longer one": `["` + callback + `/x"]`, "none": `[]`, "an object": `{"` + callback + `":1}`,
		"a text": `"` + callback + `"`, "numbers": `[1]`, "a page": `<html>` + callback, "twice": `["` + callback + `"]["` + callback + `"]`, "nothing": ``,
	} {
		site.set.Store(json.RawMessage(doc))
		for _, a := range []answer{s.post("/oauth/register", sector), c.manage("PUT", c.with())} {
			if a.status != 400 || a.str("error") != "invalid_client_metadata" || !strings.HasPrefix(a.str("error_description"), "sector_identifier_uri: ") {
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
		}
	}
	calls := site.calls.Load()
	s.want(s.post("/oauth/register", strings.Replace(sector, callback, "http://evil.example", 1)), 400, "invalid_redirect_uri")
	if site.calls.Load() != calls {
		t.Error("a client that is refused anyway made a call")
	}
}

// TestRegistrationSectorIsGuarded: what may not be called isn't, and nothing is told of it.
func TestRegistrationSectorIsGuarded(t *testing.T) {
	site := newSite(t, json.RawMessage(`["`+callback+`"]`))
	s := start(t, func(c *issuer.Settings) {
		open(c)
		c.OutboundCA = site.ca(t)
	})
	a := s.want(s.post("/oauth/register", with("sector_identifier_uri", `"`+site.URL+`/s.json"`)), 400, "invalid_client_metadata")
	if site.calls.Load() != 0 || a.str("error_description") != "sector_identifier_uri: can't be read" {
		t.Errorf("%d calls, %s", site.calls.Load(), a.raw)
	}
}

// headerOf is a JWT's header, unchecked.
func headerOf(t *testing.T, token string) map[string]any {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	return jwtOf(t, "."+head+".")
}
