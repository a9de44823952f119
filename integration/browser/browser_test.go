package browser_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

const form = `<!doctype html><title>form</title><style>
	body { background: white } @media (prefers-color-scheme: dark) { body { background: black } }
	</style><h1 id="title">Who are you?</h1>
	<form method="post" action="/hello"><input id="name" name="name" value="nobody">
	<input type="checkbox" id="loud" name="loud"><button id="send">Send</button></form>
	<script>document.title = 'a script ran'</script>`

// site is a form, and a page that it leads to by a redirect.
func site(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "script-src 'none'")
		fmt.Fprint(w, form)
	})
	mux.HandleFunc("POST /hello", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "name", Value: r.FormValue("name") + r.FormValue("loud")})
		http.Redirect(w, r, "/hello", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("name")
		if err != nil {
			c = &http.Cookie{Value: "stranger"}
		}
		fmt.Fprintf(w, `<!doctype html><p id="greeting">hello %s</p>`, c.Value)
	})
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Chromium")
	}
	s := site(t)
	b := browser.Start(t, servers.Need(t, "chromium", "chromium"))
	page := b.Page(t)
	page.Go(s.URL)
	if !page.Has("name") || page.Has("greeting") || page.Text("title") != "Who are you?" {
		t.Errorf("the form reads %q", page.Body())
	}
	checkPolicy(t, page)
	checkLooks(t, page)
	page.Fill("name", "ann")
	page.Tick("loud")
	page.Click("send")
	page.WaitURL(s.URL + "/hello")
	if got := page.Text("greeting"); got != "hello annon" {
		t.Errorf("the page reads %q", got)
	}
	other := b.Page(t)
	other.Go(s.URL + "/hello")
	if got := other.Text("greeting"); got != "hello stranger" {
		t.Errorf("another page has the first one's cookies: %q", got)
	}
}

// checkPolicy: a policy holds for the page's scripts, not for the test's, and
// what it stopped is seen.
func checkPolicy(t *testing.T, page *browser.Page) {
	t.Helper()
	if got := browser.Eval[string](page, "Promise.resolve(document.title)"); got != "form" {
		t.Errorf("the title is %q, want no script run", got)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if strings.Contains(strings.Join(page.Complaints(), "\n"), "Content Security Policy") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("complaints = %q, want the violation", page.Complaints())
		}
	}
}

func checkLooks(t *testing.T, page *browser.Page) {
	t.Helper()
	for _, look := range []browser.Look{{Width: 390}, {Width: 1280, Dark: true}} {
		page.Show(look)
		picture, err := png.Decode(bytes.NewReader(page.Screenshot()))
		if err != nil {
			t.Fatal(err)
		}
		if got := picture.Bounds().Dx(); got != look.Width {
			t.Errorf("the picture is %d wide, want %d", got, look.Width)
		}
		r, _, _, _ := picture.At(look.Width-1, picture.Bounds().Dy()-1).RGBA()
		if dark := r < 0x8000; dark != look.Dark {
			t.Errorf("dark is %t, want %t", dark, look.Dark)
		}
	}
}

// The browser ends with its test.
func TestEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Chromium")
	}
	pid := 0
	t.Run("browser", func(t *testing.T) {
		pid = browser.Start(t, servers.Need(t, "chromium", "chromium")).Pid()
		if err := syscall.Kill(pid, 0); err != nil {
			t.Errorf("no process %d: %v", pid, err)
		}
	})
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process %d is still there: %v", pid, err)
	}
}
