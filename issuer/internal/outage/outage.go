// Package outage has the one error that says a store can't be reached: engines
// return it, nouns pass it on, and each face answers 503 with Retry-After.
package outage

import "errors"

// Err means that an engine can't be reached, or not in time; nothing is known of
// what was asked. It is exported to engines outside as store.ErrUnavailable.
var Err = errors.New("the store is unavailable")
