package issuer_test

import (
	"net/url"
	"testing"
	"time"
)

// A code is good at whichever replica the client comes to, and once at all of them: the
// one that gave it remembers it, and finds it used as well.
func TestCodeAtAnotherReplica(t *testing.T) {
	r := newReplicas(t)
	gave, other := r.start([]string{"ES256"}, time.Now), r.start([]string{"ES256"}, time.Now)
	gave.db = r.db
	gave.person(adas)
	web := gave.register("web", nil)
	code := gave.browser().code("web", adas)

	got := other.want(other.exchange(web, code), 200, "")
	other.want(gave.exchange(web, code), 400, "invalid_grant")
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.str("refresh_token")}}
	other.want(other.form("/oauth/token", web, refresh), 400, "invalid_grant")
}
