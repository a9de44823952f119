package oauth

import "net/http"

// Revoke is the revocation endpoint: the session of the token ends. What is no
// token of ours, or over already, is a 200 (RFC 7009 §2.2); a token of another
// client, or one that can't be revoked, is an error.
func (o *OAuth) Revoke(w http.ResponseWriter, r *http.Request) error {
	c, raw, err := o.tokenOf(w, r)
	if err != nil {
		return err
	}
	if err := o.Flow.Revoke(r.Context(), c, raw); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return nil
}
