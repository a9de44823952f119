// Command chi is a resource server on the router chi: GET /protected for any valid
// access token of its audience, GET /admin for those with the role admin. The
// verifier's middlewares are chi's kind, so there is nothing to adapt.
//
// Settings: ISSUER, AUDIENCE (default: the issuer), ADDR.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/signet-oidc/signet/verifier"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chi:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	issuer := cmp.Or(os.Getenv("ISSUER"), "http://localhost:8080")
	v, err := verifier.New(ctx, verifier.Config{
		Issuer:   issuer,
		Audience: cmp.Or(os.Getenv("AUDIENCE"), issuer),
	})
	if err != nil {
		return err
	}
	defer v.Close()
	return serve(ctx, cmp.Or(os.Getenv("ADDR"), "127.0.0.1:3002"), routes(v))
}

func routes(v *verifier.Verifier) http.Handler {
	r := chi.NewRouter()
	r.Group(func(r chi.Router) {
		r.Use(v.Middleware)
		r.Get("/protected", whoami)
		r.With(verifier.RequireRole("admin")).Get("/admin", whoami)
	})
	return r
}

// whoami says what the caller's token says. It stands behind the middleware,
// so there is always a token.
func whoami(w http.ResponseWriter, r *http.Request) {
	tok, _ := verifier.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"subject": tok.Subject, "roles": tok.Roles}) // the client may be gone
}

func serve(ctx context.Context, addr string, h http.Handler) error {
	server := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	}()
	fmt.Printf("listening on http://%s\n", addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
