package verifier

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/verifier/jws"
)

// Token is an access token that was verified; nothing else makes one. Requests
// that bring the same token may share it: treat it as read-only.
type Token struct {
	Issuer    string    // iss
	Subject   string    // sub: a user, or the client itself
	ClientID  string    // client_id
	Audience  []string  // aud
	Scopes    []string  // scope, split at its spaces
	Roles     []string  // roles
	SessionID string    // sid: empty where no person is behind the token
	ID        string    // jti
	IssuedAt  time.Time // iat; zero if absent
	Expiry    time.Time // exp

	text      string // the claims as they stand
	notBefore int64  // nbf in seconds; 0 if absent
	status    statusRef
	bound     bool   // cnf is there
	jkt       string // cnf.jkt: the thumbprint of the DPoP key it is bound to
}

// statusRef is where a token's status stands (draft-ietf-oauth-status-list §6).
type statusRef struct {
	present bool
	uri     string
	index   uint64
}

// Claims decodes all claims into dst as encoding/json does, for claims that
// Token has no field for. What the JSON would mean twice was refused before.
func (t *Token) Claims(dst any) error {
	if err := json.Unmarshal([]byte(t.text), dst); err != nil {
		return fmt.Errorf("claims of token: %w", err)
	}
	return nil
}

// HasScope says whether the token was given scope.
func (t *Token) HasScope(scope string) bool { return slices.Contains(t.Scopes, scope) }

// HasRole says whether its subject has role.
func (t *Token) HasRole(role string) bool { return slices.Contains(t.Roles, role) }

// Bound says whether the token is bound to a key, and only good with a proof.
func (t *Token) Bound() bool { return t.bound }

// BoundKey is the thumbprint of the DPoP key that the token is bound to (RFC 9449 §6.1);
// empty where it is bound to none, or to something else.
func (t *Token) BoundKey() string { return t.jkt }

// claimNames are the claims that decide here. In any other case they are
// refused: a reader that folds case would let them decide as well.
var claimNames = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti",
	"client_id", "scope", "roles", "sid", "status", "cnf",
}

// usualLists is how many audiences, scopes and roles most tokens have together.
const usualLists = 8

// lists is room for them, which lies beside the token and so costs no allocation.
type lists [usualLists]string

// span is a part of the one array that lists share.
type span struct{ from, to int }

// reading is a token while it is read.
type reading struct {
	token            *Token
	lists            []string
	aud, scope, role span
	expires, issued  int64
}

// readToken reads the claims of an access token whose signature held into t. It
// checks types; what the values have to be is for judge. The token's lists begin in
// room and move out if there are more.
func readToken(text string, t *Token, room *lists) error {
	t.text = text
	in := reading{token: t, lists: room[:0], expires: -1, issued: -1}
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		in.member(&r, m.Name)
	}
	if err := r.End(); err != nil {
		return err
	}
	return in.finish()
}

func (in *reading) member(r *jws.Reader, name string) {
	t := in.token
	switch name {
	case "iss":
		t.Issuer = r.String()
	case "sub":
		t.Subject = r.String()
	case "aud":
		in.aud = in.list(r, true)
	case "exp":
		in.expires = r.Time()
	case "iat":
		in.issued = r.Time()
	case "nbf":
		t.notBefore = r.Time()
	case "jti":
		t.ID = r.String()
	case "client_id":
		t.ClientID = r.String()
	case "scope":
		in.scope = in.split(r.String())
	case "roles":
		in.role = in.list(r, false)
	case "sid":
		t.SessionID = r.String()
	case "status":
		t.status = readStatus(r)
	case "cnf":
		t.bound, t.jkt = true, r.Confirmation()
	default:
		if jws.Folded(name, claimNames) {
			r.Fail(fmt.Errorf("%w: claim name in other case", ErrMalformed))
		}
	}
}

// list reads an array of strings, or one string where that is allowed.
func (in *reading) list(r *jws.Reader, orString bool) span {
	from := len(in.lists)
	if orString {
		in.lists = r.Audience(in.lists)
	} else {
		in.lists = r.Strings(in.lists)
	}
	return span{from, len(in.lists)}
}

// split takes a scope apart at its spaces (RFC 6749 §3.3).
func (in *reading) split(scope string) span {
	from := len(in.lists)
	for scope != "" {
		var word string
		word, scope, _ = strings.Cut(scope, " ")
		if word != "" {
			in.lists = append(in.lists, word)
		}
	}
	return span{from, len(in.lists)}
}

func (in *reading) finish() error {
	if in.expires < 0 {
		return fmt.Errorf("%w: no exp", ErrMalformed)
	}
	t := in.token
	t.Expiry = time.Unix(in.expires, 0).UTC()
	if in.issued >= 0 {
		t.IssuedAt = time.Unix(in.issued, 0).UTC()
	}
	t.Audience, t.Scopes, t.Roles = in.aud.of(in.lists), in.scope.of(in.lists), in.role.of(in.lists)
	return nil
}

// of cuts the span out, without room behind it: an append by whoever holds it
// must not write into its neighbour.
func (s span) of(lists []string) []string { return lists[s.from:s.to:s.to] }

// readStatus reads {"status_list":{"idx":…,"uri":…}}.
func readStatus(r *jws.Reader) statusRef {
	ref := statusRef{present: true}
	for m := r.Object(); m.Next(r); {
		if m.Name == "status_list" {
			ref.uri, ref.index = readReference(r)
		}
	}
	return ref
}

func readReference(r *jws.Reader) (uri string, index uint64) {
	seen := 0
	for m := r.Object(); m.Next(r); {
		switch m.Name {
		case "idx":
			index = r.Uint()
			seen++
		case "uri":
			uri = r.String()
			seen++
		}
	}
	if seen != 2 {
		r.Fail(fmt.Errorf("%w: status_list without idx or uri", ErrMalformed))
	}
	return uri, index
}
