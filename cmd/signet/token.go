package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/verifier"
)

type tokenCmd struct {
	Inspect tokenInspect `cmd:"" help:"Decode an access token and say, check by check, why it is or isn't valid."`
}

// inspectPatience bounds what inspect asks the issuer.
const inspectPatience = 10 * time.Second

type tokenInspect struct {
	settingsFlags
	Token string `arg:"" optional:"" help:"The token; standard input if it is left out."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// inspected is what token inspect prints.
type inspected struct {
	Valid       bool            `json:"valid"`
	Error       string          `json:"error,omitempty"`
	Algorithm   string          `json:"alg,omitempty"`
	KeyID       string          `json:"kid,omitempty"`
	Issuer      string          `json:"issuer"`
	Audience    string          `json:"audience"`
	KeysFetched time.Time       `json:"keys_fetched,omitzero"`
	KeysError   string          `json:"keys_error,omitempty"`
	Checks      []inspectedItem `json:"checks"`
	Claims      json.RawMessage `json:"claims,omitempty"` // as they stand; not to be believed unless valid
}

type inspectedItem struct {
	Name    string           `json:"check"`
	Outcome verifier.Outcome `json:"outcome"`
	Detail  string           `json:"detail,omitempty"`
	Error   string           `json:"error,omitempty"`
	Mend    string           `json:"mend,omitempty"`
}

// errInvalid ends inspect when the token isn't valid; what is wrong has been printed.
var errInvalid = errors.New("the token is not valid")

// Run verifies as a resource server of the settings' issuer and audience would.
func (c *tokenInspect) Run(a *app) error {
	raw, err := c.token(a)
	if err != nil {
		return err
	}
	report, err := c.explain(a.ctx, raw)
	if err != nil {
		return err
	}
	if c.JSON {
		err = writeJSON(a.stdout, report)
	} else {
		err = report.print(a)
	}
	if err == nil && !report.Valid {
		err = errInvalid
	}
	return err
}

func (c *tokenInspect) token(a *app) (raw string, err error) {
	raw = c.Token
	if raw == "" || raw == "-" {
		if raw, err = readInput(a.stdin); err != nil {
			return "", err
		}
	}
	raw = strings.TrimSpace(raw)
	switch {
	case raw == "":
		return "", usageError("give a token as the argument or on standard input")
	case strings.HasPrefix(raw, "sgr_"):
		return "", errors.New("this is a refresh token: nothing can be read from it, and only its issuer can check it")
	}
	return raw, nil
}

func (c *tokenInspect) explain(ctx context.Context, raw string) (inspected, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectPatience)
	defer cancel()
	audience := c.audience(raw)
	v, err := verifier.New(ctx, verifier.Config{Issuer: c.Settings.Issuer, Audience: audience, Algorithms: c.Settings.KeyAlgs})
	if err != nil {
		return inspected{}, err
	}
	defer v.Close()
	_ = v.Refresh(ctx) // the report says whether it worked
	out := describe(v.Explain(ctx, raw))
	out.Issuer, out.Audience = c.Settings.Issuer, audience
	return out, nil
}

// audience is that of the settings. Where they name none, any will do: the question is then not for whom it is, and the
// token's own is taken. The issuer is never taken from the token: it says whom to ask.
func (c *tokenInspect) audience(raw string) string {
	if len(c.Settings.Audience) > 0 {
		return c.Settings.Audience[0]
	}
	var claims struct {
		Audience any `json:"aud"`
	}
	_, rest, _ := strings.Cut(raw, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return c.Settings.Issuer
	}
	if list, ok := claims.Audience.([]any); ok && len(list) > 0 {
		claims.Audience = list[0]
	}
	if one, ok := claims.Audience.(string); ok && one != "" {
		return one
	}
	return c.Settings.Issuer
}

func describe(r verifier.Report) inspected {
	out := inspected{
		Valid: r.Err == nil, Error: message(r.Err), Algorithm: r.Algorithm, KeyID: r.KeyID,
		KeysFetched: r.KeysFetched, KeysError: message(r.KeysErr),
	}
	for _, c := range r.Checks {
		out.Checks = append(out.Checks, inspectedItem{c.Name, c.Outcome, c.Detail, message(c.Err), cmp.Or(mendCertificate(c.Err), c.Mend)})
	}
	if json.Valid([]byte(r.Claims)) {
		out.Claims = json.RawMessage(r.Claims)
	}
	return out
}

// mendCertificate says what to do where the issuer's certificate can't be checked; empty: it isn't that.
func mendCertificate(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is for other names: ask by one of those (SIGNET_ISSUER, and so the iss of tokens), or give the issuer a certificate with this name"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "the certificate is expired or not yet valid: renew it, or set this machine's clock"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "this machine trusts no CA that signed the certificate: add that CA to the system's, or name its file (PEM), as in SSL_CERT_FILE=ca.pem signet token inspect …"
	}
	return ""
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (r inspected) print(a *app) error {
	if len(r.Claims) > 0 {
		var b bytes.Buffer
		if err := json.Indent(&b, r.Claims, "", "  "); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.stdout, "%s\n\n", &b) // the table's Flush has the error
	}
	t := newTable(a.stdout, "CHECK", "OUTCOME", "DETAIL")
	for _, c := range r.Checks {
		t.row(c.Name, c.Outcome, c.Detail)
		if c.Error != "" {
			t.row("", "", c.Error)
		}
		if c.Mend != "" {
			t.row("", "", "mend: "+c.Mend)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "\nkeys of %s: %s\n", r.Issuer, r.keys())
	return err
}

// told tells whether a check has said so already.
func (r inspected) told(text string) bool {
	return text != "" && slices.ContainsFunc(r.Checks, func(c inspectedItem) bool { return strings.Contains(c.Error, text) })
}

func (r inspected) keys() string {
	switch {
	case r.KeysFetched.IsZero() && r.told(r.KeysError):
		return "not fetched, see above"
	case r.KeysFetched.IsZero():
		return "not fetched: " + orDash(r.KeysError)
	case r.KeysError != "":
		return "fetched " + instant(r.KeysFetched) + ", not since: " + r.KeysError
	}
	return "fetched " + instant(r.KeysFetched)
}
