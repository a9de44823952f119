// Package flood shows that a flood of logins stays at the login: 64 of them at
// once, from as many addresses for as many accounts, so that no throttle helps, at
// the default settings; and beside them sessions that refresh at a steady rate.
//
// It owns the flood, the refreshes, and the figures: how long refreshes take
// without and with the flood, in turn; what fails; what a refused login is told,
// and when. A refresh's time counts from the moment when it was due, so that a
// server that hangs can't hide what it kept waiting.
//
// `go test` runs a short form of some seconds; `task load:flood` the whole.
package flood
