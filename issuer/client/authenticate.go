package client

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Method is how a client authenticates: a value of RFC 7591 §2's
// token_endpoint_auth_method.
type Method string

// Methods that Authenticate checks.
const (
	MethodNone  Method = "none"
	MethodBasic Method = "client_secret_basic"
	MethodPost  Method = "client_secret_post"
	// MethodPrivateKeyJWT is OpenID Connect Core §9's, RFC 7523 §2.2.
	MethodPrivateKeyJWT Method = "private_key_jwt"
)

// ErrCredentials means that a client didn't authenticate as it must: RFC 6749
// §5.2's invalid_client.
var ErrCredentials = errors.New("client authentication failed")

// Credentials is what a request brought. It prints without the secret.
type Credentials struct {
	Method Method
	Secret string // empty by MethodNone; the assertion by MethodPrivateKeyJWT
}

// Format hides the secret under every verb.
func (c Credentials) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[credentials by "+string(c.Method)+"]") // to a log line
}

// MarshalText hides the secret.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(c)), nil }

// Authenticate returns nil if the credentials are the client's, else
// ErrCredentials. A public client has no secret to bring and must not bring any
// (RFC 6749 §2.1); a confidential one must authenticate (§3.2.1). One that is
// registered for a method uses that (OpenID Connect Core §9). An assertion isn't
// checked here, and none of these.
func Authenticate(c Client, by Credentials, now time.Time) error {
	if c.AuthMethod != "" && by.Method != c.AuthMethod {
		return ErrCredentials
	}
	switch by.Method {
	case MethodNone:
		if c.Public && by.Secret == "" {
			return nil
		}
	case MethodBasic, MethodPost:
		if !c.Public && c.Matches(by.Secret, now) {
			return nil
		}
	}
	return ErrCredentials
}
