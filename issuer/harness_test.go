package issuer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/issuer/store/sql"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

// server is a whole issuer on a fresh SQLite database.
type server struct {
	t          *testing.T
	url, admin string
	issuer     *issuer.Issuer
	db         *sql.DB
	keeper     *keys.Keeper
	log        *bytes.Buffer

	edit func(*store.Backend) // of what the issuer is given; nil: nothing
	now  func() time.Time     // the issuer's clock, not the keeper's; nil: time.Now
}

func settings(url string) issuer.Settings {
	return issuer.Settings{
		Issuer: url, AccessTTL: 15 * time.Minute, RefreshTTL: 168 * time.Hour, SessionTTL: 720 * time.Hour,
		RefreshRetryWindow: time.Minute, KeyAlgs: []string{"ES256", "RS256"}, KeyRotateEvery: 720 * time.Hour, JWKSMaxAge: 5 * time.Minute,
		BcryptCost: 10, PasswordMin: 8, PasswordBlocklist: true, HashQueue: 64, HashDeadline: 5 * time.Second,
		LoginRate: limit.Rate{Count: 1000, Per: time.Minute}, LoginRateAccount: limit.Rate{Count: 1000, Per: time.Minute}, Registration: "open",
	}
}

// start serves with settings that edit may change.
func start(t *testing.T, edit func(*issuer.Settings)) *server {
	t.Helper()
	s := &server{t: t, log: &bytes.Buffer{}}
	s.serve(edit)
	return s
}

func (s *server) serve(edit func(*issuer.Settings)) {
	t := s.t
	t.Helper()
	public := httptest.NewUnstartedServer(nil)
	cfg := settings("http://" + public.Listener.Addr().String())
	if edit != nil {
		edit(&cfg)
	}
	s.open(cfg)
	public.Config.Handler = s.issuer.Public()
	public.Start()
	t.Cleanup(public.Close)
	ops := httptest.NewServer(s.issuer.Operations())
	t.Cleanup(ops.Close)
	s.url, s.admin = public.URL, ops.URL
}

func (s *server) open(cfg issuer.Settings) {
	s.t.Helper()
	ctx := s.t.Context()
	var err error
	s.db, err = sql.Open(ctx, sql.Config{URL: "sqlite:" + filepath.Join(s.t.TempDir(), "signet.db")})
	s.must(err)
	s.t.Cleanup(func() { s.must(s.db.Close()) })
	s.must(s.db.Migrate(ctx))
	s.keeper, err = keys.Open(ctx, keys.Config{
		Store: s.db.Backend().Keys, SealKeys: []secret.Key{secret.GenerateKey()}, Providers: []keys.Provider{new(lender)},
	})
	s.must(err)
	backend := s.db.Backend()
	if s.edit != nil {
		s.edit(&backend)
	}
	s.issuer, err = issuer.New(ctx, issuer.Config{
		Settings: cfg, Backend: backend, Keeper: s.keeper, Log: zerolog.New(zerolog.SyncWriter(s.log)), Version: "test", Now: s.now,
	})
	s.must(err)
	running, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.issuer.Run(running) }()
	s.t.Cleanup(func() { stop(); s.must(<-done) })
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	raw     string
	body    map[string]any
}

func (a answer) str(name string) string {
	v, _ := a.body[name].(string)
	return v
}

// do sends a request and reads the answer as JSON, if it is.
func (s *server) do(r *http.Request) answer {
	s.t.Helper()
	res, err := http.DefaultClient.Do(r)
	s.must(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	s.must(err)
	a := answer{status: res.StatusCode, header: res.Header, cookies: res.Cookies(), raw: string(raw)}
	_ = json.Unmarshal(raw, &a.body)
	return a
}

// call sends JSON; header pairs follow.
func (s *server) call(method, url, body string, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	s.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.do(r)
}

func (s *server) post(path, body string, header ...string) answer {
	s.t.Helper()
	return s.call("POST", s.url+path, body, header...)
}

// form posts a form, as a client with its credentials in Basic where it has any.
func (s *server) form(path string, client [2]string, values url.Values) answer {
	s.t.Helper()
	v := maps.Clone(values)
	if client[1] == "" && client[0] != "" {
		v.Set("client_id", client[0])
	}
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.url+path, strings.NewReader(v.Encode()))
	s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client[1] != "" {
		r.SetBasicAuth(url.QueryEscape(client[0]), url.QueryEscape(client[1]))
	}
	return s.do(r)
}

// want fails unless the answer has a status and, where given, an error code.
func (s *server) want(a answer, status int, code string) answer {
	s.t.Helper()
	if a.status != status || (code != "" && a.str("error") != code) {
		s.t.Fatalf("got %d %s, want %d %s", a.status, a.raw, status, code)
	}
	return a
}

const password = "correct horse battery"

// person registers somebody and logs them in.
func (s *server) person(email string) answer {
	s.t.Helper()
	s.want(s.post("/register", `{"email":"`+email+`","password":"`+password+`"}`), 201, "")
	return s.login(email)
}

func (s *server) login(email string) answer {
	s.t.Helper()
	return s.want(s.post("/login", `{"email":"`+email+`","password":"`+password+`"}`), 200, "")
}

func (s *server) refresh(token string) answer {
	s.t.Helper()
	return s.post("/refresh", `{"refresh_token":"`+token+`"}`)
}
