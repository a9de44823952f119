package verifier

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/signet-oidc/signet/verifier/jws"
)

// StatusListEndpoint is the member of the issuer's discovery document that says
// that it publishes status lists: a string, their address without the list.
const StatusListEndpoint = "status_list_endpoint"

const (
	discoveryPath = "/.well-known/openid-configuration"
	statusPath    = "/oauth/status/"

	// metadataAge is how long a discovery document is believed without another look.
	metadataAge = time.Hour
)

// metadata is what a verifier needs of discovery (OIDC Discovery §3). Package
// discovery holds the whole; these members are all that may decide here.
type metadata struct {
	issuer  string
	jwksURI string
	status  bool // status lists are published
}

func (f fetcher) discover(ctx context.Context, issuer string) (metadata, error) {
	d, err := f.get(ctx, strings.TrimSuffix(issuer, "/")+discoveryPath, "", "application/json", maxMetadata)
	if err != nil {
		return metadata{}, fmt.Errorf("discovery: %w", err)
	}
	m, err := readMetadata(string(d.body))
	if err != nil {
		return metadata{}, fmt.Errorf("discovery: %w", err)
	}
	// OIDC Discovery §4.3: else another issuer's keys would be taken for this one's.
	if m.issuer != issuer {
		return metadata{}, fmt.Errorf("discovery: the document at %s is of issuer %q", issuer, m.issuer)
	}
	return m, f.allow(m.jwksURI)
}

func readMetadata(text string) (metadata, error) {
	var m metadata
	r := jws.NewReader(text)
	for o := r.Object(); o.Next(&r); {
		switch o.Name {
		case "issuer":
			m.issuer = r.String()
		case "jwks_uri":
			m.jwksURI = r.String()
		case StatusListEndpoint:
			m.status = r.String() != ""
		}
	}
	return m, r.End()
}
