// Package flow is what the faces share: what a person or a client asks for,
// joined from the nouns. Nouns in, no HTTP.
//
// SignIn, Register, ChangePassword are a person's; Refresh, SignOut, Revoke and
// Introspect a token's; ClientCredentials a client's own; Admit an operator's. A Registrar is for clients that
// register themselves; a Notifier tells clients of sessions that have ended. The
// steps that no face may forget stand here: the throttle before the password
// pool, the audience and scope before a session, the event with the change.
//
// What an access token that comes back here is good for (ours, not expired, its
// session not over, whose) is asked in access.go alone; what an ID token is good for, in
// hint.go.
package flow
