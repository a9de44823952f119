package admin

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// page is one page of a list, and where the next one begins.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the cursor for `after` or `before`; none: the end
}

// give answers with a page. Items has been asked for with one more than limit.
func give[T any](w http.ResponseWriter, items []T, limit int, cursor func(T) string) {
	p := page[T]{Items: items}
	if len(items) > limit {
		p.Items, p.Next = items[:limit], cursor(items[limit-1])
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	httpx.JSON(w, http.StatusOK, p)
}

const (
	pageSize    = 50
	maxPageSize = 500
)

// limitOf reads ?limit=.
func limitOf(q url.Values) (int, error) {
	if !q.Has("limit") {
		return pageSize, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > maxPageSize {
		return 0, httpx.BadRequest("limit must be 1 to 500")
	}
	return n, nil
}
