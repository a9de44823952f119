// Package account owns people: their addresses, passwords and roles, and the bounded pool in which passwords are hashed.
// It knows no HTTP and no engine.
package account
