package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// exampleIssuer stands in for a running Signet.
func exampleIssuer() *verifiertest.Issuer { return verifiertest.New(&testing.T{}) }

func ExampleNew() {
	ctx := context.Background()
	iss := exampleIssuer()
	v, err := verifier.New(ctx, verifier.Config{
		Issuer:     iss.URL,
		Audience:   verifiertest.Audience,
		HTTPClient: iss.Client(), // leave this out: it reaches the example's issuer
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()

	tok, err := v.Verify(ctx, iss.Token())
	fmt.Println(tok.Subject, tok.Scopes, err)

	_, err = v.Verify(ctx, iss.Expired())
	fmt.Println(errors.Is(err, verifier.ErrExpired))
	// Output:
	// usr_test [openid profile] <nil>
	// true
}

func ExampleVerifier_Middleware() {
	iss := exampleIssuer()
	v, err := verifier.New(context.Background(), iss.Config(verifiertest.Audience))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /me", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := verifier.FromContext(r.Context())
		fmt.Fprintln(w, "hello", tok.Subject)
	})))
	mux.Handle("GET /admin", v.Middleware(verifier.RequireRole("admin")(http.NotFoundHandler())))

	for _, path := range []string{"/me", "/admin"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+iss.Token())
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello usr_test
	//
	// 403 {"error":"insufficient_scope","error_description":"the access token doesn't allow this"}
}

func ExampleVerifier_Explain() {
	iss := exampleIssuer()
	v, err := verifier.New(context.Background(), iss.Config(verifiertest.Audience))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	for _, check := range v.Explain(context.Background(), iss.WrongAudience()).Checks {
		if check.Outcome != verifier.Holds {
			fmt.Println(check.Name, check.Outcome, "-", check.Mend)
		}
	}
	// Output:
	// audience fails - ask the issuer for a token with the audience https://api.test
}
