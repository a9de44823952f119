// Package issuer wires Signet: New(Config) makes an Issuer of an engine's
// Backend and the settings, with one list of routes and the loops that run behind
// them.
//
// It owns the wiring, the list of routes and the background loops. The rules are
// the nouns' (account, client, grant, session, limit, token), joined by flow; HTTP is
// the faces' (oauth, api, admin, web).
//
// # Where things are
//
// routes.go has the list of both addresses and which browsers may call what
// (testdata/routes.golden shows it); settings.go what can be set, validate.go what
// is refused of it. run.go has the loops; follow.go how a replica hears of what
// others changed, apply.go what it makes of it, heal.go how a token store that forgot
// is told again, lists.go which status lists there are, notices.go
// what has clients told that sessions have ended, and what came of it, outbound.go the clients by
// which others are called, strangers apart from operators. health.go is
// readiness, measure.go the sampled metrics, adapters.go the key ring and the
// status bits as sessions and our own verifier read them.
//
// # A request
//
// httpx.Serve gives it an id and an address, the guard of its policy lets it in, a
// face decodes it and calls flow, flow calls nouns, and these call the engines. An
// error comes back as a noun's sentinel, which the face's table (errors.go of each
// face) turns into an answer.
package issuer
