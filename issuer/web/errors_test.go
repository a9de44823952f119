package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// A page that is asked for by a method it hasn't is a page that says so, with the methods it has.
func TestNotAllowed(t *testing.T) {
	web := New(Config{Issuer: "https://example.com"})
	serve := &httpx.Serve{Log: zerolog.Nop(), Next: web.NotAllowed([]string{"GET", "POST"})}
	for lang, want := range map[string]string{"en": "This page can&#39;t be opened like that", "de": "Diese Seite lässt sich so nicht öffnen"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("PUT", "/ui/login", nil)
		r.Header.Set("Accept-Language", lang)
		serve.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != http.StatusMethodNotAllowed || h.Get("Allow") != "GET, POST" || h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", lang, w.Code, h)
		}
		for _, part := range []string{want, `<code id="error">method_not_allowed</code>`, "this takes GET, POST"} {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s: no %q in %s", lang, part, w.Body)
			}
		}
	}
}
