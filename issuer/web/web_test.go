package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// Every language says the same: the same texts, with the same placeholders.
func TestCatalogues(t *testing.T) {
	if got := Locales(); len(got) < 2 || !slices.Contains(got, defaultLanguage) {
		t.Errorf("languages %v", got)
	}
	want := catalogues[defaultLanguage]
	for lang, c := range catalogues {
		for name, text := range want {
			a, b := placeholder.FindAllString(text, -1), placeholder.FindAllString(c[name], -1)
			slices.Sort(a)
			slices.Sort(b)
			if c[name] == "" || !slices.Equal(a, b) {
				t.Errorf("%s: %s is %q, want the placeholders %v", lang, name, c[name], a)
			}
		}
		for name := range c {
			if _, ok := want[name]; !ok {
				t.Errorf("%s: %s is in no use", lang, name)
			}
		}
	}
}

// prefixes are of texts whose names are put together.
var prefixes = []string{"error.", "scope.", "wait.", "account.done.", "dir"}

// Every text that a template or the code names is there, and none is that nothing names.
func TestTextsAreUsed(t *testing.T) {
	used := map[string]bool{}
	named := regexp.MustCompile(`\bT\(?\s?"([a-z.]+)"`)
	for _, pattern := range []string{"*.go", "pages/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
				used[m[1]] = true
			}
		}
	}
	for name := range used {
		if !strings.HasSuffix(name, ".") && catalogues[defaultLanguage][name] == "" {
			t.Errorf("there is no text %s", name)
		}
	}
	for name := range catalogues[defaultLanguage] {
		built := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		if !used[name] && !built {
			t.Errorf("nothing uses the text %s", name)
		}
	}
}

// Every error of the table has a text of its own.
func TestErrorsHaveTexts(t *testing.T) {
	for _, row := range Errors {
		if !textsOf("en").has("error." + row.Answer.Code) {
			t.Errorf("%s has no text", row.Answer.Code)
		}
		if row.Answer.Status == http.StatusUnauthorized {
			t.Errorf("%s is a 401", row.Answer.Code)
		}
	}
}

func TestLanguage(t *testing.T) {
	for name, c := range map[string]struct {
		locales []string
		accept  string
		want    string
	}{
		"nothing":             {nil, "", "en"},
		"German":              {nil, "de", "de"},
		"Austrian":            {nil, "de-AT,de;q=0.9,en;q=0.8", "de"},
		"any case":            {nil, "DE-at", "de"},
		"by weight":           {nil, "de;q=0.1, en;q=0.9", "en"},
		"equals as they come": {nil, "de;q=0.5,en;q=0.5", "de"},
		"refused":             {nil, "de;q=0, fr", "en"},
		"unknown, then ours":  {nil, "fr, ja;q=0.9, de;q=0.1", "de"},
		"client first":        {[]string{"fr-CA", "de"}, "en", "de"},
		"client's unknown":    {[]string{"fr"}, "de", "de"},
		"star":                {nil, "*", "en"},
		"nonsense":            {[]string{"../../etc", "-", "\x00"}, ";;;q=x,,=", "en"},
		"no number":           {nil, "de;q=NaN", "en"},
		"very many":           {nil, strings.Repeat("fr,", 5000) + "de", "en"},
	} {
		if got := language(c.locales, c.accept); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	for _, s := range []string{"", "de", "de-AT;q=0.5,en", ";q=", "*;q=1"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, locale, accept string) {
		if got := language([]string{locale}, accept); !slices.Contains(Locales(), got) {
			t.Errorf("%q", got)
		}
	})
}

func TestTargets(t *testing.T) {
	for redirect, want := range map[string][]string{
		"https://app.example.com/cb":   {"https:"},
		"HTTPS://app.example.com/cb":   {"https:"},
		"http://127.0.0.1:5000/cb":     {"http:", "https:"},
		"http://[::1]/cb":              {"http:", "https:"},
		"com.example.app:/cb":          {"com.example.app:"},
		"javascript:alert(1)":          nil,
		"JavaScript:alert(1)":          nil,
		"data:text/html,x":             nil,
		"":                             nil,
		"/cb":                          nil,
		"https; script-src 'x':":       nil,
		"*://x":                        nil,
		"'unsafe-inline'://app.exampl": nil,
	} {
		if diff := cmp.Diff(want, targetsOf(redirect)); diff != "" {
			t.Errorf("%q:\n%s", redirect, diff)
		}
	}
}

func TestImageOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"https://cdn.example.com/a.png?x=;":   "https://cdn.example.com",
		"https://cdn.example.com:8443/a.png":  "https://cdn.example.com:8443",
		"http://cdn.example.com/a.png":        "",
		"https://a;script-src'/":              "",
		"https://a,b/":                        "",
		"https://*/":                          "",
		"https://u:p@a.example/":              "",
		"https://[::1]/":                      "",
		"//a.example/":                        "",
		"javascript:alert(1)":                 "",
		"data:image/svg+xml,x":                "",
		"https://a.example'unsafe-inline'/":   "",
		"https://a.example\\@evil.example/":   "",
		"https://xn--bcher-kva.example/l.png": "https://xn--bcher-kva.example",
	} {
		if got := imageOrigin(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// Whatever a client is registered with, it is one place in a policy and no rule.
func FuzzPolicy(f *testing.F) {
	for _, s := range []string{"https://a.example/cb", "com.example.app:/cb", "https://a;script-src *", "https://a b/", "data:x", "\n:"} {
		f.Add(s, s)
	}
	want := regexp.MustCompile(`^default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; ` +
		`form-action 'self'( [a-z][a-z0-9+.-]*:){0,2}(; img-src https://[A-Za-z0-9.:-]+)?$`)
	f.Fuzz(func(t *testing.T, redirect, logo string) {
		p := policy{targets: targetsOf(redirect)}
		if origin := imageOrigin(logo); origin != "" {
			p.images = []string{origin}
		}
		h := http.Header{}
		p.set(h)
		if got := h.Get("Content-Security-Policy"); !want.MatchString(got) {
			t.Errorf("%q, %q: %s", redirect, logo, got)
		}
	})
}

func TestLink(t *testing.T) {
	for address, want := range map[string]bool{
		"https://shop.example/terms": true, "http://shop.example/": false, "javascript:alert(1)": false, "https:alert(1)": false,
		"https://u@shop.example/": false, "//shop.example": false, "/terms": false, "": false, " https://shop.example/": false,
	} {
		if got := link(address) != ""; got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

// The script's hash is of the script, and the policy names nothing else.
func TestSubmitHash(t *testing.T) {
	sum := sha256.Sum256([]byte("document.forms[0].submit()"))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; submitHash != want {
		t.Errorf("%s, want %s", submitHash, want)
	}
}

// Whatever the brand's colour, text in it can be read: on white by the settings' rule,
// in the dark by ours.
func TestColors(t *testing.T) {
	page := color{0x12 / 255., 0x14 / 255., 0x1a / 255.}
	for _, brand := range []string{"#000000", "#1d4ed8", "#767676", "#7a0019", "#006400", "#00007f", "#8b008b"} {
		c, ok := parseColor(brand)
		if !ok || c.String() != brand {
			t.Fatalf("%s is read as %s", brand, c)
		}
		dim, _ := parseColor(c.on(darkPage).String())
		for _, ground := range []color{darkPage, page} {
			if got := contrast(dim, ground); got < 4.5 {
				t.Errorf("%s becomes %s: contrast %.2f", brand, dim, got)
			}
		}
	}
	for _, bad := range []string{"", "blue", "#12345", "#1234567", "#12345g", "#+12345", "}*{x:y"} {
		if _, ok := parseColor(bad); ok {
			t.Errorf("%q is a colour", bad)
		}
	}
}

var declared = regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)

// The texts of the stylesheet can be read on their grounds, in both schemes (WCAG 2.2
// §1.4.3), and the edges of fields can be seen (§1.4.11).
func TestContrast(t *testing.T) {
	light, dark, ok := strings.Cut(styleSheet, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark scheme")
	}
	for name, part := range map[string]string{"light": light, "dark": dark} {
		of := map[string]color{}
		for _, m := range declared.FindAllStringSubmatch(part, -1) {
			of[m[1]], _ = parseColor(m[2])
		}
		for _, c := range []struct {
			text, ground string
			least        float64
		}{
			{"text", "card", 7}, {"text", "page", 7}, {"quiet", "card", 4.5}, {"quiet", "page", 4.5}, {"text", "note-ground", 7},
			{"alert", "alert-ground", 4.5}, {"good", "good-ground", 4.5}, {"line", "card", 3}, {"line", "page", 3},
		} {
			if got := contrast(of[c.text], of[c.ground]); got < c.least {
				t.Errorf("%s: %s on %s has %.2f, want %.1f", name, c.text, c.ground, got, c.least)
			}
		}
		if name == "dark" && of["card"] != darkPage {
			t.Error("the card's ground in the dark isn't what the brand's colour is made for")
		}
	}
}

func TestWhen(t *testing.T) {
	now := time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration][2]string{
		-time.Second: {"just now", "gerade eben"}, 0: {"just now", "gerade eben"}, 59 * time.Minute: {"59 min ago", "vor 59 Min."},
		23 * time.Hour: {"23 h ago", "vor 23 Std."}, 24 * time.Hour: {"21 November 2026", "21.11.2026"},
	} {
		if en, de := textsOf("en").When(now.Add(-ago), now), textsOf("de").When(now.Add(-ago), now); en != want[0] || de != want[1] {
			t.Errorf("%s: %q, %q", ago, en, de)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "in a second", time.Millisecond: "in a second", 1001 * time.Millisecond: "in 2 seconds", 59 * time.Second: "in 59 seconds",
		100 * time.Second: "in 2 minutes", time.Hour: "in 60 minutes",
	} {
		if got := textsOf("en").wait(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// A value that looks like a placeholder or has one in it is not filled in again.
func TestTextIsFilledOnce(t *testing.T) {
	if got := textsOf("en").T("consent.title", "client", "{client} {email}"); got != "{client} {email} wants to use your account" {
		t.Error(got)
	}
}

// An issuer behind a path of a proxy leads to its own pages.
func TestBase(t *testing.T) {
	web := New(Config{Issuer: "https://example.com/auth"})
	if got := web.at(pathLogin, "request", "a&b", "other", ""); got != "/auth/ui/login?request=a%26b" {
		t.Error(got)
	}
	if got := New(Config{Issuer: "https://example.com"}).at(pathLogin); got != "/ui/login" {
		t.Error(got)
	}
}

// Where a brand's logo is no address of an image, there is none.
func TestLogo(t *testing.T) {
	for logo, want := range map[string]string{"/logo.svg": "/logo.svg", "https://cdn.example/l.svg": "https://cdn.example/l.svg", "javascript:x": "", "http://x/": ""} {
		if got := New(Config{Brand: Brand{Logo: logo}}).Brand.Logo; got != want {
			t.Errorf("%q: %q", logo, got)
		}
	}
}

// A resource is shown by its host where that says whose it is, and whole where not.
func TestPlaces(t *testing.T) {
	for resource, want := range map[string]place{
		"https://api.example":               {"api.example", ""},
		"https://api.example/":              {"api.example", ""},
		"https://api.example:8443/v1?a=b":   {"api.example:8443", "https://api.example:8443/v1?a=b"},
		"https://api.example?a=b":           {"api.example", "https://api.example?a=b"},
		"https://api.example/%2F":           {"api.example", "https://api.example/%2F"},
		"http://localhost:8080":             {"", "http://localhost:8080"},
		"urn:example:api":                   {"", "urn:example:api"},
		"https://bank.example@evil.example": {"", "https://bank.example@evil.example"},
		"https://%D0%B0pi.example":          {"", "https://%D0%B0pi.example"},
		"https://[::1]/":                    {"", "https://[::1]/"},
		"":                                  {},
	} {
		if diff := cmp.Diff([]place{want}, placesOf([]string{resource})); diff != "" {
			t.Errorf("%q:\n%s", resource, diff)
		}
	}
	if got := placesOf(nil); got != nil {
		t.Error(got)
	}
}

func TestHostOf(t *testing.T) {
	for redirect, want := range map[string]string{
		"https://app.example/cb": "app.example", "http://127.0.0.1:5000/cb": "127.0.0.1:5000", "http://[::1]/": "[::1]",
		"com.example.app:/cb": "com.example.app", "https://%D0%B0pp.example/cb": "https://%D0%B0pp.example/cb", "%": "",
	} {
		if got := hostOf(redirect); got != want {
			t.Errorf("%q: %q, want %q", redirect, got, want)
		}
	}
}
