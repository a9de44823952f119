// Package keysops does with a running Signet what an operator does with its
// keys: look at a rotation before it is made, seal anew, start with the wrong
// seal key, change settings and algorithms replica by replica, bring keys along
// from elsewhere, and read audit and metrics of all that.
//
// It owns the operator's side of the keys, over the command line and the admin
// calls of the real binary; their rules are tested in keys, and rotation under
// load in integration/load/rotate.
package keysops
