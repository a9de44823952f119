//go:build interop

package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

// TestApache has Debian's Apache and mod_auth_openidc guard a folder; it is told of
// logouts over the back channel.
func TestApache(t *testing.T) {
	dir := site(t)
	p := startProvider(t, map[string]string{ // it calls Apache: on the loopback, with a certificate of its own
		"SIGNET_OUTBOUND_CA": filepath.Join(dir, "tls.crt"), "SIGNET_OUTBOUND_ALLOW": "localhost",
	})
	a := p.startApache(t, dir)
	page := browser.Start(t, servers.Need(t, "chromium", "chromium")).Page(t)

	page.Go(a.base + "/")
	a.signIn(page)
	if got := page.Text("title"); got != "members only" {
		t.Errorf("the page reads %q", got)
	}
	in := a.info(t, page)
	a.checkPerson(t, in.state())

	page.Go(a.base + "/oidc/callback?" + url.Values{"refresh": {a.base + "/"}, "access_token": {in.Access}}.Encode())
	fresh := a.info(t, page)
	a.checkPerson(t, fresh.state())
	if fresh.Access == in.Access || fresh.Refresh == in.Refresh {
		t.Error("the refresh gave the same tokens")
	}

	page.Go(a.base + "/oidc/callback?" + url.Values{"logout": {a.base + "/bye.html"}}.Encode())
	a.signOut(page)
	if got := page.Text("title"); got != "bye" {
		t.Errorf("after the logout the page reads %q", got)
	}
	page.Go(a.base + "/")
	a.checkBackChannel(t, page)
}

// checkBackChannel logs in, and out with Signet alone: Signet tells Apache, which
// then sends the person to the login page again.
func (a app) checkBackChannel(t *testing.T, page *browser.Page) {
	t.Helper()
	a.atLogin(page)
	page.Fill("email", email)
	page.Fill("password", password)
	page.Click("login")
	page.WaitURL(a.base) // it was allowed before
	a.checkPerson(t, a.info(t, page).state())

	page.Go(a.URL + "/oidc/logout")
	page.Click("logout")
	deadline := time.Now().Add(20 * time.Second)
	for page.Go(a.base + "/"); !strings.HasPrefix(page.URL(), a.URL+"/ui/login"); page.Go(a.base + "/") {
		if time.Now().After(deadline) {
			t.Fatal("Apache still lets the person in")
		}
	}
}

// info is what mod_auth_openidc says of the session it keeps.
type info struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	IDToken struct {
		Subject   string   `json:"sub"`
		SessionID string   `json:"sid"`
		AuthTime  int64    `json:"auth_time"`
		AMR       []string `json:"amr"`
	} `json:"id_token"`
	UserInfo struct {
		Email string `json:"email"`
	} `json:"userinfo"`
}

func (i info) state() state {
	s := state{Subject: i.IDToken.Subject, SessionID: i.IDToken.SessionID, Email: i.UserInfo.Email, Access: i.Access, AuthTime: i.IDToken.AuthTime}
	if len(i.IDToken.AMR) == 1 {
		s.AMR = i.IDToken.AMR[0]
	}
	return s
}

func (a app) info(t *testing.T, page *browser.Page) info {
	t.Helper()
	page.Go(a.base + "/oidc/callback?info=json")
	var got info
	if text := page.Body(); json.Unmarshal([]byte(text), &got) != nil {
		t.Fatalf("mod_auth_openidc says %s", text)
	}
	return got
}

// startApache starts an Apache in a folder that site made.
func (p provider) startApache(t *testing.T, dir string) app {
	t.Helper()
	const modules = "/usr/lib/apache2/modules"
	path := servers.Need(t, "apache2", "apache2-bin", "/usr/sbin")
	if _, err := os.Stat(modules + "/mod_auth_openidc.so"); err != nil {
		servers.Missing(t, "mod_auth_openidc", "apt-get install libapache2-mod-auth-openidc")
	}
	config, err := filepath.Abs(filepath.Join("apache", "httpd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	a := app{p, setup{}, localhost("https", addr)}
	a.flags = []string{"--backchannel-logout-uri", a.base + "/oidc/callback?logout=backchannel"}
	env := append(os.Environ(), "MODULES="+modules, "DIR="+dir, "ADDR="+addr, "BASE="+a.base, "ISSUER="+p.URL,
		"CLIENT_ID=apache", "CLIENT_SECRET="+p.addClient(t, "apache", a.setup, a.base+"/oidc/callback", a.base+"/bye.html"),
		"SCOPE="+a.scope(), "PASSPHRASE="+rand.Text())
	servers.Other(t, "apache2", func() *exec.Cmd {
		cmd := exec.Command(path, "-X", "-f", config)
		cmd.Env = env
		return cmd
	}, func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return a
}

// site is a folder with a page for members, one for all, and a certificate.
func site(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t)
	for name, text := range map[string][]byte{
		"www/index.html": []byte(`<!doctype html><title>site</title><h1 id="title">members only</h1>`),
		"www/bye.html":   []byte(`<!doctype html><title>site</title><h1 id="title">bye</h1>`),
		"tls.crt":        cert,
		"tls.key":        key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// certificate makes one for localhost, signed by itself, and its key, as PEM.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
