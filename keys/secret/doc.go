// Package secret owns the types that hold a secret and never print it: under %v, %+v, %#v, %x, JSON, text and whatever a
// logger makes of them they read "[redacted]". The one way to the value is a method called Reveal, which a reviewer can
// search for.
//
// The value sits behind a pointer to a string. A type's own methods aren't called by package fmt for an unexported field
// of a struct that somebody prints, and then an address is shown, not the secret.
//
// It doesn't own where secrets come from (settings, files) nor what is done with them (sealing is keys).
package secret
