package api

import (
	"context"
	"net/http"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/issuer/internal/outage"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

const badToken = `Bearer error="invalid_token"`

// Errors is the face's error table.
var Errors = httpx.Table{
	{Is: outage.Err, Answer: httpx.Unavailable},
	{Is: context.Canceled, Answer: httpx.Unavailable}, // nobody reads it
	{Is: context.DeadlineExceeded, Answer: httpx.Unavailable},
	{Is: keys.ErrStale, Answer: httpx.Unavailable},
	{Is: verifier.ErrKeysUnavailable, Answer: httpx.Unavailable},
	{Is: keys.ErrNoKey, Answer: httpx.Unavailable},
	{Is: session.ErrChanged, Answer: httpx.Unavailable}, // twice within one login
	{Is: limit.ErrThrottled, Answer: httpx.TooMany, Retry: httpx.Retry(func(e *limit.ThrottledError) time.Duration { return e.RetryAfter })},
	{Is: account.ErrBusy, Answer: httpx.Unavailable, Retry: httpx.Retry(func(e *account.BusyError) time.Duration { return e.RetryAfter })},

	{Is: flow.ErrClosed, Answer: httpx.Error{Status: http.StatusForbidden, Code: "registration_closed", Description: "accounts are made by the operator here"}},
	{Is: account.ErrExists, Answer: httpx.Error{Status: http.StatusConflict, Code: "user_exists", Description: "there is a user with this address"}},
	{Is: account.ErrCredentials, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_credentials", Description: "address or password is wrong"}},
	{Is: account.ErrConflict, Answer: httpx.Error{Status: http.StatusConflict, Code: "conflict", Description: "another changed it at the same time"}},
	{Is: account.ErrEmail, Answer: invalid("this is not an email address")},
	{Is: account.ErrTooShort, Answer: invalid("the password is too short")},
	{Is: account.ErrTooLong, Answer: invalid("the password is over 72 bytes")},
	{Is: account.ErrNUL, Answer: invalid("the password has a NUL character")},
	{Is: account.ErrCommon, Answer: invalid("the password is among the commonest; choose another")},

	{Is: flow.ErrTarget, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "invalid_target", Description: "this audience is not to be had"}},
	{Is: client.ErrScope, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "invalid_scope", Description: "this scope is not to be had"}},
	{Is: client.ErrAudience, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "invalid_target", Description: "this audience is not to be had"}},
	{Is: verifier.ErrRequest, Answer: invalid("one access token is expected, in the Authorization header or in the cookie")},
	// RFC 6750 §3.1: no error in the challenge where no token was given.
	{Is: verifier.ErrNoToken, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "an access token is needed", Challenge: "Bearer"}},
	{Is: flow.ErrToken, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the access token is not live, or not from here", Challenge: badToken}},
	{Is: account.ErrNotFound, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the user of the access token is gone", Challenge: badToken}},
	{Is: flow.ErrUnsupportedToken, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the access token has no session", Challenge: badToken}},
	{Is: session.ErrToken, Answer: grant},
	{Is: session.ErrOver, Answer: grant},
	{Is: session.ErrNotFound, Answer: grant}, // swept, or deleted, meanwhile
	{Is: session.ErrReuse, Answer: grant},
	{Is: session.ErrWrongClient, Answer: grant},
	{Is: session.ErrWrongKey, Answer: grant},
}

// grant is one answer for all that can be wrong with a refresh token: which it
// was, only the log says.
var grant = httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_grant", Description: "the refresh token is not valid, or its session is over; log in again"}

func invalid(description string) httpx.Error { return *httpx.BadRequest(description) }
