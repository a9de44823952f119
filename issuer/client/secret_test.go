package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestNewSecret(t *testing.T) {
	plain, s := NewSecret(noon)
	again, _ := NewSecret(noon)
	if !regexp.MustCompile(`^sgs_[A-Za-z0-9_-]{43}$`).MatchString(plain) || plain == again {
		t.Errorf("NewSecret = %q, then %q", plain, again)
	}
	if !s.Created.Equal(noon) || !s.Expires.IsZero() {
		t.Errorf("%+v", s)
	}
	stored, err := json.Marshal(s)
	if err != nil || strings.Contains(string(stored), plain[len(SecretPrefix):]) {
		t.Errorf("stored as %s, %v", stored, err)
	}
}

func TestManages(t *testing.T) {
	plain, s := NewRegistration(noon)
	other, _ := NewRegistration(noon)
	secret, kept := NewSecret(noon)
	if !regexp.MustCompile(`^sga_[A-Za-z0-9_-]{43}$`).MatchString(plain) || plain == other {
		t.Errorf("NewRegistration = %q, then %q", plain, other)
	}
	over := s
	over.Expires = noon
	self := Client{Secrets: []Secret{kept}, Registration: &s}
	for name, tt := range map[string]struct {
		client Client
		token  string
		want   bool
	}{
		"its own":                      {self, plain, true},
		"another's":                    {self, other, false},
		"cut":                          {self, plain[:len(plain)-1], false},
		"the client's secret":          {self, secret, false},
		"none":                         {self, "", false},
		"an operator's client":         {Client{Secrets: []Secret{kept}}, secret, false},
		"an operator's client, none":   {Client{}, "", false},
		"over":                         {Client{Registration: &over}, plain, false},
		"a zero hash, the empty token": {Client{Registration: &Secret{}}, "", false},
	} {
		if got := tt.client.Manages(tt.token, noon); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if err := Authenticate(self, Credentials{MethodPost, plain}, noon); !errors.Is(err, ErrCredentials) {
		t.Errorf("a registration access token for a secret: %v", err)
	}
}

func TestAuthenticate(t *testing.T) {
	first, a := NewSecret(noon)
	second, b := NewSecret(noon)
	expired, e := NewSecret(noon)
	b.Expires, e.Expires = noon.Add(time.Second), noon
	app := Client{Secrets: []Secret{e, a, b}}
	bare := Client{}
	public := Client{Public: true}
	// Validate lets no such client in; an older database might have one.
	odd := Client{Public: true, Secrets: []Secret{a}}
	registered := func(m Method) Client { return Client{Secrets: []Secret{a}, Metadata: Metadata{AuthMethod: m}} }
	tests := []struct {
		name   string
		client Client
		by     Credentials
		want   error
	}{
		{"basic", app, Credentials{MethodBasic, first}, nil},
		{"post", app, Credentials{MethodPost, first}, nil},
		{"the second secret", app, Credentials{MethodPost, second}, nil},
		{"expired secret", app, Credentials{MethodBasic, expired}, ErrCredentials},
		{"wrong secret", app, Credentials{MethodBasic, first + "x"}, ErrCredentials},
		{"cut secret", app, Credentials{MethodBasic, first[:len(first)-1]}, ErrCredentials},
		{"no prefix", app, Credentials{MethodBasic, first[len(SecretPrefix):]}, ErrCredentials},
		{"empty secret", app, Credentials{MethodBasic, ""}, ErrCredentials},
		{"none, confidential", app, Credentials{Method: MethodNone}, ErrCredentials},
		{"none with the right secret", app, Credentials{MethodNone, first}, ErrCredentials},
		{"zero value", app, Credentials{}, ErrCredentials},
		{"unknown method", app, Credentials{"private_key_jwt", first}, ErrCredentials},
		{"client without a secret, empty one", bare, Credentials{MethodBasic, ""}, ErrCredentials},
		{"client without a secret, none", bare, Credentials{Method: MethodNone}, ErrCredentials},
		{"public", public, Credentials{Method: MethodNone}, nil},
		{"public, zero value", public, Credentials{}, ErrCredentials},
		{"public with a secret", public, Credentials{MethodPost, first}, ErrCredentials},
		{"public with an empty secret", public, Credentials{MethodBasic, ""}, ErrCredentials},
		{"registered for basic, basic", registered(MethodBasic), Credentials{MethodBasic, first}, nil},
		{"registered for basic, post", registered(MethodBasic), Credentials{MethodPost, first}, ErrCredentials},
		{"registered for post, post", registered(MethodPost), Credentials{MethodPost, first}, nil},
		{"registered for post, basic", registered(MethodPost), Credentials{MethodBasic, first}, ErrCredentials},
		{"registered for assertions, a secret", registered(MethodPrivateKeyJWT), Credentials{MethodBasic, first}, ErrCredentials},
		{"registered for assertions, one that nobody checked", registered(MethodPrivateKeyJWT), Credentials{MethodPrivateKeyJWT, first}, ErrCredentials},
		{"registered for none, confidential", registered(MethodNone), Credentials{Method: MethodNone}, ErrCredentials},
		{"public that has a secret", odd, Credentials{MethodPost, first}, ErrCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := Authenticate(tt.client, tt.by, noon); !errors.Is(err, tt.want) {
				t.Errorf("Authenticate = %v, want %v", err, tt.want)
			}
		})
	}
	if err := Authenticate(app, Credentials{MethodPost, second}, noon.Add(time.Second)); !errors.Is(err, ErrCredentials) {
		t.Errorf("a second later = %v", err)
	}
}

// TestMatchesLooksAtAll: a secret may be the first or the last, or stand twice.
func TestMatchesLooksAtAll(t *testing.T) {
	plain, s := NewSecret(noon)
	_, other := NewSecret(noon)
	over := s
	over.Expires = noon.Add(-time.Hour)
	for name, secrets := range map[string][]Secret{
		"first": {s, other}, "last": {other, s}, "twice": {s, s}, "expired and alive": {over, s}, "alive and expired": {s, over},
	} {
		if c := (Client{Secrets: secrets}); !c.Matches(plain, noon) {
			t.Errorf("%s: no match", name)
		}
	}
}

func TestCredentialsPrintRedacted(t *testing.T) {
	plain, _ := NewSecret(noon)
	by := Credentials{MethodBasic, plain}
	asJSON, err := json.Marshal(by)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(asJSON)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, by), fmt.Sprintf(verb, &by), fmt.Sprintf(verb, []any{by}))
	}
	for _, text := range texts {
		if strings.Contains(text, plain) || strings.Contains(text, fmt.Sprintf("%x", plain)) || !strings.Contains(text, "client_secret_basic") {
			t.Errorf("prints %s", text)
		}
	}
}

// TestRenewed: one rule for operators, over HTTP or by command.
func TestRenewed(t *testing.T) {
	first, s := NewSecret(noon)
	c := Client{Secrets: []Secret{s}}
	plain, renewed := c.Renewed(noon, DefaultKeep)
	for name, tt := range map[string]struct {
		plain string
		at    time.Duration
		want  bool
	}{
		"the old one at once":  {first, 0, true},
		"to the last moment":   {first, 24*time.Hour - 1, true},
		"after a day":          {first, 24 * time.Hour, false},
		"the new one for long": {plain, 10000 * time.Hour, true},
	} {
		if got := renewed.Matches(tt.plain, noon.Add(tt.at)); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if len(c.Secrets) != 1 || !c.Secrets[0].Expires.IsZero() {
		t.Errorf("the client it was made of is changed: %+v", c.Secrets)
	}
	if _, once := c.Renewed(noon, 0); len(once.Secrets) != 1 || once.Matches(first, noon) {
		t.Errorf("with no time to keep: %+v", once.Secrets)
	}
}
