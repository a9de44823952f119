// Package httpx is what the faces of the issuer have in common over HTTP: strict
// and bounded reading of bodies, the one shape of errors, the request id, the
// client's address behind trusted proxies, and the one wide log event a request.
//
// It knows no endpoint and no rule.
package httpx
