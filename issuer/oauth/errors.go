package oauth

import (
	"context"
	"net/http"
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
	"github.com/signet-oidc/signet/verifier/dpop"
)

// Errors is the face's error table, by RFC 6749 §5.2.
var Errors = httpx.Table{
	{Is: outage.Err, Answer: httpx.Unavailable},
	{Is: context.Canceled, Answer: httpx.Unavailable}, // nobody reads it
	{Is: context.DeadlineExceeded, Answer: httpx.Unavailable},
	{Is: keys.ErrStale, Answer: httpx.Unavailable},
	{Is: errMemory, Answer: httpx.Unavailable},
	{Is: verifier.ErrKeysUnavailable, Answer: httpx.Unavailable},
	{Is: keys.ErrNoKey, Answer: httpx.Unavailable},
	{Is: session.ErrChanged, Answer: httpx.Unavailable}, // twice within one login
	{Is: limit.ErrThrottled, Answer: httpx.TooMany, Retry: httpx.Retry(func(e *limit.ThrottledError) time.Duration { return e.RetryAfter })},
	{Is: account.ErrBusy, Answer: httpx.Unavailable, Retry: httpx.Retry(func(e *account.BusyError) time.Duration { return e.RetryAfter })},

	{Is: client.ErrScope, Answer: scope},
	{Is: session.ErrScope, Answer: scope},
	{Is: client.ErrAudience, Answer: target},
	{Is: session.ErrAudience, Answer: target},
	{Is: flow.ErrTarget, Answer: target},
	{Is: keys.ErrAlgorithm, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "unauthorized_client", Description: "the client is registered for an algorithm that has no key here"}},
	{Is: flow.ErrUnsupportedToken, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "unsupported_token_type", Description: "a token without a session can't be revoked; it is short-lived"}},
	{Is: flow.ErrNoList, Answer: httpx.Error{Status: http.StatusNotFound, Code: "not_found", Description: "there is no such status list"}},
	{Is: flow.ErrScope, Answer: bearer(http.StatusForbidden, "insufficient_scope", "the token hasn't the scope openid", `, scope="openid"`)},
	{Is: flow.ErrToken, Answer: bearer(http.StatusUnauthorized, "invalid_token", "the token is not a live one of this issuer", "")},
	{Is: verifier.ErrNoToken, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "an access token is expected", Challenge: "Bearer"}},
	{Is: verifier.ErrRequest, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "invalid_request", Description: "the access token is not as RFC 6750 has it", Challenge: `Bearer error="invalid_request"`}},
	{Is: dpop.ErrNonce, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "use_dpop_nonce", Description: "the DPoP proof needs the nonce of the DPoP-Nonce header"}},
	{Is: dpop.ErrProof, Answer: httpx.Error{Status: http.StatusBadRequest, Code: "invalid_dpop_proof", Description: "the DPoP proof is missing, malformed, old, of another request, or was seen before"}},
	{Is: grant.ErrTooLong, Answer: httpx.Error{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Description: "the request is too long"}}, // RFC 9126 §2.3
	{Is: flow.ErrCode, Answer: grantError},
	{Is: session.ErrToken, Answer: grantError},
	{Is: session.ErrOver, Answer: grantError},
	{Is: session.ErrNotFound, Answer: grantError}, // swept, or deleted, meanwhile
	{Is: session.ErrReuse, Answer: grantError},
	{Is: session.ErrWrongClient, Answer: grantError},
	{Is: session.ErrWrongKey, Answer: grantError},
}

// bearer is what userinfo answers to a token that isn't good for it (RFC 6750 §3.1).
func bearer(status int, code, description, more string) httpx.Error {
	return httpx.Error{Status: status, Code: code, Description: description, Challenge: `Bearer error="` + code + `"` + more}
}

// grantError is one answer for all that can be wrong with a code or refresh token: which
// it was, only the log says.
var grantError = httpx.Error{Status: http.StatusBadRequest, Code: "invalid_grant", Description: "the token is not valid, not this client's, or its session is over"}

var (
	scope  = httpx.Error{Status: http.StatusBadRequest, Code: "invalid_scope", Description: "more scope was asked for than is to be had"}
	target = httpx.Error{Status: http.StatusBadRequest, Code: "invalid_target", Description: "this resource is not to be had"} // RFC 8707 §2
)
