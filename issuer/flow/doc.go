// Package flow is what the faces share: what a person or a client asks for,
// joined from the nouns. Nouns in, no HTTP.
//
// A person's are SignIn, Register and ChangePassword, and in a browser Enter, Leave,
// Overview and what is done on the page of the account (account_page.go). A client's are
// ExchangeCode, ClientCredentials and Assertion; a token's Refresh, SignOut, Revoke,
// Introspect and UserInfo; an operator's is Admit. A Registrar is for clients that
// register themselves; a Notifier tells clients of sessions that have ended.
//
// What a browser is sent here with goes step by step: Authorize begins, Continue, Choose
// and Decide go on, and advance alone says what comes next, from what is stored: a page,
// or an Answer to the client. What a person has agreed to, and what a client may still
// have once a page was answered, is in consent.go. Logging out is likewise (BeginLogout, ResumeLogout, Logout).
//
// The steps that no face may forget stand here: the throttle before the password
// pool, the audience and scope before a session, the event with the change.
//
// What an access token that comes back here is good for (ours, not expired, its
// session not over, whose) is asked in access.go alone; what an ID token is good for, in
// hint.go. Whether something was given here at all, good or not, is in given.go.
package flow
