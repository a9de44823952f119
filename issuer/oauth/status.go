package oauth

import (
	"net/http"
	"strconv"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/flow"
)

// Status publishes a status list (Token Status List §8.1).
func (o *OAuth) Status(w http.ResponseWriter, r *http.Request) error {
	number, err := strconv.ParseInt(r.PathValue("list"), 10, 64)
	if err != nil || number < 0 || strconv.FormatInt(number, 10) != r.PathValue("list") {
		return flow.ErrNoList
	}
	list, err := o.Lists.List(number)
	if err != nil {
		return err
	}
	publish(w, r, discovery.MediaStatusList, document{body: []byte(list.Token), etag: list.ETag, cache: cacheFor(list.MaxAge)})
	return nil
}
