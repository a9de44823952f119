package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/issuer/internal/outage"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
)

// Errors is the face's error table.
var Errors = httpx.Table{
	{Is: outage.Err, Answer: httpx.Unavailable},
	{Is: context.Canceled, Answer: httpx.Unavailable}, // nobody reads it
	{Is: context.DeadlineExceeded, Answer: httpx.Unavailable},
	{Is: account.ErrBusy, Answer: httpx.Unavailable, Retry: httpx.Retry(func(e *account.BusyError) time.Duration { return e.RetryAfter })},
	{Is: flow.ErrToken, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the session of this token is over", Challenge: `Bearer error="invalid_token"`}},
	{Is: flow.ErrForbidden, Answer: httpx.Error{Status: http.StatusForbidden, Code: "insufficient_scope", Description: "the role admin is needed", Challenge: `Bearer error="insufficient_scope"`}},

	{Is: account.ErrNotFound, Answer: missing("there is no such user")},
	{Is: client.ErrNotFound, Answer: missing("there is no such client")},
	{Is: session.ErrNotFound, Answer: missing("there is no such session")},
	{Is: keys.ErrUnknownKey, Answer: missing("there is no such key")},
	{Is: account.ErrExists, Answer: conflict("user_exists", "there is a user with this address")},
	{Is: client.ErrExists, Answer: conflict("client_exists", "there is a client with this id")},
	{Is: account.ErrConflict, Answer: conflict("conflict", "another changed it at the same time; read it again")},
	{Is: client.ErrConflict, Answer: conflict("conflict", "another changed it at the same time; read it again")},
	{Is: keys.ErrConflict, Answer: conflict("conflict", "another changed the ring at the same time; look at it again")},
	{Is: keys.ErrRevoked, Answer: conflict("revoked", "the key is revoked already")},
	{Is: keys.ErrFull, Answer: conflict("ring_full", "the ring holds as many keys as it may; wait until retired ones are removed")},

	{Is: account.ErrEmail, Answer: bad("this is not an email address")},
	{Is: account.ErrTooShort, Answer: bad("the password is too short")},
	{Is: account.ErrTooLong, Answer: bad("the password is over 72 bytes")},
	{Is: account.ErrNUL, Answer: bad("the password has a NUL character")},
	{Is: account.ErrCommon, Answer: bad("the password is among the commonest; choose another")},
	{Is: account.ErrRole, Answer: bad("a role is 1 to 64 printable characters without space, and there are at most 32")},
	{Is: keys.ErrAlgorithm, Answer: bad("there is no such algorithm in the ring")},
}

func missing(description string) httpx.Error {
	return httpx.Error{Status: http.StatusNotFound, Code: "not_found", Description: description}
}

func conflict(code, description string) httpx.Error {
	return httpx.Error{Status: http.StatusConflict, Code: code, Description: description}
}

func bad(description string) httpx.Error { return *httpx.BadRequest(description) }

// unusable says which member of a client or a profile can't be as it is.
func unusable(err error) error {
	if e, ok := errors.AsType[*account.ProfileError](err); ok {
		return httpx.BadRequest(e.Error())
	}
	if e, ok := errors.AsType[*client.InvalidError](err); ok {
		return httpx.BadRequest(e.Error())
	}
	return err
}

// tooEarly tells when a rotation would be safe.
func tooEarly(err error) error {
	e, ok := errors.AsType[*keys.TooEarlyError](err)
	if !ok {
		return err
	}
	return &httpx.Error{
		Status: http.StatusConflict, Code: "too_early",
		Description: "the standby key has not been published long enough; safe from " + e.Safe.UTC().Format(time.RFC3339) + ", or force it",
	}
}
