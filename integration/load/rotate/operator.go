package rotate

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/signet-oidc/signet/keys"
)

// operator uses the admin calls of one replica.
type operator struct {
	issuer, email, password string
	admin                   string // a replica's operations address

	mu      sync.Mutex // guards what follows
	token   string
	renewAt time.Time
}

// session returns the address and a token that still lives.
func (o *operator) session(ctx context.Context) (admin, token string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Now().Before(o.renewAt) {
		return o.admin, o.token, nil
	}
	resp, err := postJSON(ctx, o.issuer+"/login", "", map[string]string{
		"email": o.email, "password": o.password, "audience": o.issuer + "/admin",
	})
	if err != nil {
		return "", "", err
	}
	var t tokenResponse
	if err := resp.read(http.StatusOK, &t); err != nil {
		return "", "", fmt.Errorf("the operator's login: %w", err)
	}
	o.token, o.renewAt = t.Access, time.Now().Add(time.Duration(t.ExpiresIn)*time.Second/2)
	return o.admin, o.token, nil
}

// forget has the next call log in anew: the token's key may be revoked.
func (o *operator) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.renewAt = time.Time{}
}

// list is GET /admin/keys.
func (o *operator) list(ctx context.Context) ([]keys.Info, error) {
	admin, token, err := o.session(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := call(ctx, http.MethodGet, admin+"/admin/keys", http.Header{"Authorization": {"Bearer " + token}}, nil)
	if err != nil {
		return nil, err
	}
	var body struct {
		Keys []keys.Info `json:"keys"`
	}
	return body.Keys, resp.read(http.StatusOK, &body)
}

// rotate is POST /admin/keys/rotate; the answer may be a refusal.
func (o *operator) rotate(ctx context.Context, alg keys.Algorithm) (answer, error) {
	admin, token, err := o.session(ctx)
	if err != nil {
		return answer{}, err
	}
	return postJSON(ctx, admin+"/admin/keys/rotate", token, map[string]string{"alg": string(alg), "reason": "the rotation test"})
}

// revoke is POST /admin/keys/{kid}/revoke.
func (o *operator) revoke(ctx context.Context, kid string) (res keys.RevokeResult, err error) {
	admin, token, err := o.session(ctx)
	if err != nil {
		return res, err
	}
	resp, err := postJSON(ctx, admin+"/admin/keys/"+kid+"/revoke", token, map[string]string{"reason": "the rotation test"})
	if err != nil {
		return res, err
	}
	o.forget()
	return res, resp.read(http.StatusOK, &res)
}
