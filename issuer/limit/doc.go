// Package limit owns the throttles: how often somebody may try to log in, to
// register, to give an old password, to register a client, to have a request kept
// while a page is looked at, and how often a client may fail to authenticate. Each
// has its own counter; refreshes, successful token calls, JWKS and discovery have none.
//
// Limiter says which counters an attempt has and in what order they are asked;
// Rate and GCRA say how one counts; an engine keeps them, so that replicas share
// them. It knows no HTTP (whose address a request has is its caller's to find
// out, through trusted proxies only) and no engine.
package limit
