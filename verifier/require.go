package verifier

import (
	"net/http"
	"strings"
)

// Condition is something a token may fulfil.
type Condition struct {
	holds func(*Token) bool
	scope string // what to ask for, for the challenge
}

// Scope is the condition that a token was given scope.
func Scope(scope string) Condition {
	return Condition{func(t *Token) bool { return t.HasScope(scope) }, scope}
}

// Role is the condition that a token's subject has role.
func Role(role string) Condition {
	return Condition{func(t *Token) bool { return t.HasRole(role) }, ""}
}

// RequireRole lets requests through whose token has all the roles. It stands
// behind Middleware; without one it refuses everything. The answer is 403
// insufficient_scope, "higher privileges than provided" (RFC 6750 §3.1).
func RequireRole(roles ...string) func(http.Handler) http.Handler {
	conditions := make([]Condition, len(roles))
	for i, role := range roles {
		conditions[i] = Role(role)
	}
	return require(all(conditions))
}

// RequireScope lets requests through whose token has all the scopes. The answer
// to others names them (RFC 6750 §3.1).
func RequireScope(scopes ...string) func(http.Handler) http.Handler {
	conditions := make([]Condition, len(scopes))
	for i, scope := range scopes {
		conditions[i] = Scope(scope)
	}
	return require(all(conditions))
}

// RequireAny lets requests through whose token fulfils one of the conditions at
// least:
//
//	verifier.RequireAny(verifier.Role("admin"), verifier.Scope("billing"))(h)
func RequireAny(conditions ...Condition) func(http.Handler) http.Handler {
	return require(Condition{scope: needed(conditions), holds: func(t *Token) bool {
		for _, c := range conditions {
			if c.holds(t) {
				return true
			}
		}
		return false
	}})
}

func all(conditions []Condition) Condition {
	return Condition{scope: needed(conditions), holds: func(t *Token) bool {
		for _, c := range conditions {
			if !c.holds(t) {
				return false
			}
		}
		return len(conditions) > 0 // nothing required is a mistake, not a permission
	}}
}

func needed(conditions []Condition) string {
	var scopes []string
	for _, c := range conditions {
		if c.scope != "" {
			scopes = append(scopes, c.scope)
		}
	}
	return strings.Join(scopes, " ")
}

func require(c Condition) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a, _ := r.Context().Value(contextKey{}).(authorized)
			switch {
			case a.token == nil:
				a.refuse(w, r, ErrNoToken)
			case !c.holds(a.token):
				a.refuse(w, r, &insufficient{scope: c.scope})
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// refuse answers as the Middleware in front does, if there is one.
func (a authorized) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if a.verifier != nil {
		a.verifier.Refuse(w, r, err)
		return
	}
	p := ProblemOf(err)
	w.Header().Set("WWW-Authenticate", challenge("Bearer", p, "", ""))
	WriteProblem(w, p)
}
