package account

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a person's roles: they stand in every access token.
const (
	maxRoles = 32
	maxRole  = 64
)

// ErrRole means that a role's name, or their number, isn't allowed.
var ErrRole = errors.New("unusable role")

// NormalRoles returns roles sorted, each once, never nil. It returns an error
// that wraps ErrRole for more than 32 roles, and for a name that isn't of 1 to 64
// characters of RFC 6749's scope-token, so that a role can also travel in a
// space-separated list.
func NormalRoles(roles []string) ([]string, error) {
	normal := append([]string{}, roles...)
	slices.Sort(normal)
	normal = slices.Compact(normal)
	if len(normal) > maxRoles {
		return nil, fmt.Errorf("%w: more than %d", ErrRole, maxRoles)
	}
	for _, role := range normal {
		if role == "" || len(role) > maxRole || strings.ContainsFunc(role, notToken) {
			return nil, fmt.Errorf("%w: %.70q: 1 to %d printable ASCII characters without space, quote or backslash", ErrRole, role, maxRole)
		}
	}
	return normal, nil
}

// notToken tells whether r can't be in a scope-token (RFC 6749 §3.3).
func notToken(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
