// Package limit owns the throttles of login and endpoints.
// It knows no HTTP and no engine.
package limit
