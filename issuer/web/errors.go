package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/issuer/internal/outage"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

// Errors is the face's error table. What a person reads of a code is the catalogues'
// text "error.<code>". A wrong password is no 401, which would need a challenge that no
// page answers (RFC 9110 §15.5.2), but 422: understood, and not to be done.
var Errors = httpx.Table{
	{Is: outage.Err, Answer: httpx.Unavailable},
	{Is: context.Canceled, Answer: httpx.Unavailable}, // nobody reads it
	{Is: context.DeadlineExceeded, Answer: httpx.Unavailable},
	{Is: keys.ErrStale, Answer: httpx.Unavailable},
	{Is: keys.ErrNoKey, Answer: httpx.Unavailable},
	{Is: verifier.ErrKeysUnavailable, Answer: httpx.Unavailable}, // an ID token can't be checked
	{Is: session.ErrChanged, Answer: httpx.Unavailable},          // twice within one login
	{Is: limit.ErrThrottled, Answer: httpx.TooMany, Retry: httpx.Retry(func(e *limit.ThrottledError) time.Duration { return e.RetryAfter })},
	{Is: account.ErrBusy, Answer: httpx.Unavailable, Retry: httpx.Retry(func(e *account.BusyError) time.Duration { return e.RetryAfter })},

	{Is: flow.ErrAnswered, Answer: httpx.Error{Status: http.StatusGone, Code: "request_over", Description: "the authorization request waits no longer"}},
	{Is: grant.ErrNotFound, Answer: httpx.Error{Status: http.StatusGone, Code: "request_over", Description: "the authorization request waits no longer"}},
	{Is: client.ErrNotFound, Answer: httpx.Error{Status: http.StatusGone, Code: "request_over", Description: "the client of the request is gone"}},
	{Is: flow.ErrClosed, Answer: httpx.Error{Status: http.StatusForbidden, Code: "registration_closed", Description: "accounts are made by the operator here"}},

	{Is: account.ErrExists, Answer: httpx.Error{Status: http.StatusConflict, Code: "user_exists", Description: "there is a user with this address"}},
	{Is: account.ErrCredentials, Answer: invalid("invalid_credentials", "address or password is wrong")},
	{Is: account.ErrConflict, Answer: httpx.Error{Status: http.StatusConflict, Code: "conflict", Description: "another changed it at the same time"}},
	{Is: account.ErrEmail, Answer: invalid("email_invalid", "this is not an email address")},
	{Is: account.ErrTooShort, Answer: invalid("password_short", "the password is too short")},
	{Is: account.ErrTooLong, Answer: invalid("password_long", "the password is over 72 bytes")},
	{Is: account.ErrNUL, Answer: invalid("password_nul", "the password has a NUL character")},
	{Is: account.ErrCommon, Answer: invalid("password_common", "the password is among the commonest")},
}

func invalid(code, description string) httpx.Error {
	return httpx.Error{Status: http.StatusUnprocessableEntity, Code: code, Description: description}
}

// fieldOf are the errors after which a form is shown again, with the field that each
// is about.
var fieldOf = map[string]string{
	"temporarily_unavailable": "", "too_many_requests": "", "conflict": "", "invalid_credentials": "credentials",
	"email_invalid": "email", "user_exists": "email",
	"password_short": "password", "password_long": "password", "password_nul": "password", "password_common": "password",
}

// errCrossSite is a form that another site sent.
var errCrossSite = &httpx.Error{Status: http.StatusForbidden, Code: "cross_site", Description: "the form came from another site"}

// errNotFound is an address under /ui/ where nothing is.
var errNotFound = &httpx.Error{Status: http.StatusNotFound, Code: "not_found", Description: "there is no such page"}

// CrossSite refuses a form that another site sent.
func (web *Web) CrossSite(w http.ResponseWriter, r *http.Request) { web.Fail(w, r, errCrossSite) }

// NotFound says that there is no such page.
func (web *Web) NotFound(w http.ResponseWriter, r *http.Request) error {
	return web.handle(w, r, errNotFound)
}

// NotAllowed says that a page isn't asked for by such a method, and by which it is (RFC
// 9110 §15.5.6): a browser comes so by the address of a form that it reloads.
func (web *Web) NotAllowed(methods []string) http.Handler {
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		web.Fail(w, r, &httpx.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Description: "this takes " + allow})
	})
}

// Error is the error page for who was sent there, of nothing in particular: what it
// says can't be chosen by the address.
func (web *Web) Error(w http.ResponseWriter, r *http.Request) error {
	return web.handle(w, r, &httpx.Error{Status: http.StatusBadRequest, Code: "invalid_request", Description: "the application was answered with an error"})
}

// errorView is the error page.
type errorView struct {
	frame
	Title       string
	Sentence    string
	Code        string
	Description string // in English, for the application's developers
	RequestID   string
}

// Fail tells a person of an error, on a page and never by a redirect: it is also for
// what a client must not be told (RFC 6749 §4.1.2.1).
func (web *Web) Fail(w http.ResponseWriter, r *http.Request, err error) {
	e := Errors.Failed(w, r, err)
	v := errorView{frame: web.frame(r, nil), Code: e.Code, Description: e.Description, RequestID: httpx.RequestID(r.Context())}
	v.Title, v.Sentence = v.T(titleOf(e.Status)), web.sentence(v.texts, e)
	web.render(w, e.Status, "error", &v)
}

func titleOf(status int) string {
	switch status {
	case http.StatusGone:
		return "error.title.over"
	case http.StatusNotFound:
		return "error.title.missing"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "error.title.wait"
	}
	if status >= http.StatusInternalServerError {
		return "error.title.ours"
	}
	return "error.title.request"
}
