// Package web is the face that people see: pages, rendered here, that need no script.
//
//	GET  /ui/                     to the account
//	GET  /ui/login                who are you? With ?request=, for a client that waits
//	POST /ui/login                email, password, request; or continue, request
//	GET  /ui/register             a new account, where registration is open
//	POST /ui/register             email, password, request
//	GET  /ui/consent?request=     may the client have this?
//	POST /ui/consent              request, decision=allow or deny
//	GET  /ui/logout               leave? With ?request=, for a client that asked
//	POST /ui/logout               request, decision=logout or stay
//	GET  /ui/account              one's logins, consents and password
//	POST /ui/account/end          device or session
//	POST /ui/account/end-others
//	POST /ui/account/withdraw     client
//	POST /ui/account/password     old, new
//	GET  /ui/error                the error page, for those who were sent there
//	GET  /ui/static/{file}        the one stylesheet
//
// A page of a request that waits shows what flow says comes next, not what its
// address says: steps store their state and redirect. Only a request that was stored
// names a place outside of these paths, so there is nothing to redirect openly by.
//
// Every answer has a Content-Security-Policy of its own (policy.go), no answer can be
// framed or kept by a cache, and no POST from another site is taken (the issuer's
// routes see to that). The texts are catalogues in lang/, one file a language.
package web
