package conformance

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// browser is a person's, without cookies at first. It fills in pages as the suite's
// scripted browser does.
type browser struct {
	t      *testing.T
	http   *http.Client
	own    string // the provider's URL; all else is a client's
	logins int    // how often the password was given
}

func (p *provider) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, http: p.client(), own: p.URL}
	b.http.Jar = jar
	return b
}

// page is what a browser shows, or where it left the provider for.
type page struct {
	answer
	url     *url.URL
	arrival *arrival // nil: still at the provider
}

// arrival is the request that a browser makes at a client.
type arrival struct {
	method string
	to     *url.URL   // without the fragment
	form   url.Values // of a POST
}

// open goes to an address and follows redirects within the provider.
func (b *browser) open(address string) page {
	b.t.Helper()
	return b.send(http.MethodGet, address, nil)
}

// submit sends a form of a page: its hidden fields, and pairs.
func (b *browser) submit(p page, pairs ...string) page {
	b.t.Helper()
	v := p.hidden()
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	action, err := p.url.Parse(p.action())
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(http.MethodPost, action.String(), v)
}

func (b *browser) send(method, address string, form url.Values) page {
	b.t.Helper()
	for range 10 {
		p := b.once(method, address, form)
		to := p.header.Get("Location")
		if to == "" {
			return p.selfSubmitted(b)
		}
		next, err := p.url.Parse(to)
		if err != nil {
			b.t.Fatal(err)
		}
		if !strings.HasPrefix(next.String(), b.own+"/") {
			p.arrival = &arrival{method: http.MethodGet, to: next}
			return p
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
	b.t.Fatal("too many redirects")
	return page{}
}

func (b *browser) once(method, address string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", formType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer: answer{res.StatusCode, res.Header, raw}, url: r.URL}
}

// selfSubmitted does what the script of a form_post answer does.
func (p page) selfSubmitted(b *browser) page {
	if action := p.action(); strings.Contains(action, "://") && !strings.HasPrefix(action, b.own+"/") {
		to, err := url.Parse(action)
		if err != nil {
			b.t.Fatal(err)
		}
		p.arrival = &arrival{method: http.MethodPost, to: to, form: p.hidden()}
	}
	return p
}

var (
	forms      = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)"[^>]*>(.*?)</form>`)
	hiddens    = regexp.MustCompile(`<input type="hidden"[^>]*>`)
	attributes = regexp.MustCompile(`(name|value)="([^"]*)"`)
)

// form are the address and the inside of the page's last form: where there are two, the
// first goes on as who is logged in.
func (p page) form() (action, inside string) {
	all := forms.FindAllStringSubmatch(string(p.raw), -1)
	if len(all) == 0 {
		return "", ""
	}
	last := all[len(all)-1]
	return html.UnescapeString(last[1]), last[2]
}

func (p page) action() string {
	action, _ := p.form()
	return action
}

func (p page) hidden() url.Values {
	v := url.Values{}
	_, inside := p.form()
	for _, field := range hiddens.FindAllString(inside, -1) {
		at := map[string]string{}
		for _, m := range attributes.FindAllStringSubmatch(field, -1) {
			at[m[1]] = html.UnescapeString(m[2])
		}
		v.Add(at["name"], at["value"])
	}
	return v
}

// on tells whether the page is one of /ui/.
func (p page) on(name string) bool {
	return p.arrival == nil && p.url.Path == "/ui/"+name && p.status < http.StatusMultipleChoices
}

func (p page) shows(text string) bool {
	return strings.Contains(html.UnescapeString(string(p.raw)), text)
}

// through logs in and agrees, wherever that is asked.
func (b *browser) through(p page) page {
	b.t.Helper()
	for range 4 {
		switch {
		case p.on("login"):
			b.logins++
			p = b.submit(p, "email", email, "password", password)
		case p.on("consent"):
			p = b.submit(p, "decision", "allow")
		default:
			return p
		}
	}
	b.t.Fatalf("asked again and again: %s", p.url)
	return page{}
}

// refused fails unless the page tells the person of an error, and they have not been sent
// to any client.
func (p page) refused(t *testing.T) {
	t.Helper()
	if p.arrival != nil || p.status != http.StatusBadRequest || !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") || !p.shows(`id="error"`) {
		t.Errorf("not an error page: %d on %s, %+v", p.status, p.url, p.arrival)
	}
}

// only fails on parameters beside the named ones.
func only(t *testing.T, v url.Values, names ...string) {
	t.Helper()
	for name, values := range v {
		if !slices.Contains(names, name) || len(values) != 1 {
			t.Errorf("unexpected parameter %s: %q", name, values)
		}
	}
}
