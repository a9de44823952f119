package verifiertest

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/signet-oidc/signet/verifier"
)

// The issuer's documents.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	JWKSPath      = "/.well-known/jwks.json"
	listPath      = "/oauth/status/1"
	StatusPath    = listPath
)

// ServeHTTP serves discovery, keys and the status list, each with ETag and 304.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case DiscoveryPath:
		i.serve(w, r, "application/json", i.discovery())
	case JWKSPath:
		i.serve(w, r, "application/jwk-set+json", i.jwks())
	case listPath:
		i.serveList(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func (i *Issuer) discovery() []byte {
	text, _ := json.Marshal(map[string]string{ // strings always encode
		"issuer":                    i.URL,
		"jwks_uri":                  i.URL + JWKSPath,
		verifier.StatusListEndpoint: i.URL + "/oauth/status",
	})
	return text
}

func (i *Issuer) jwks() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	set := map[string][]map[string]string{"keys": {}}
	for _, key := range i.keys {
		set["keys"] = append(set["keys"], key.jwk)
	}
	text, _ := json.Marshal(set)
	return text
}

// statusList is one list of 8,192 sessions.
type statusList struct {
	bits    []byte
	version uint64 // bits set
}

func newStatusList() *statusList { return &statusList{bits: make([]byte, 1024)} }

func (s *statusList) set(index uint64) {
	at, bit := &s.bits[index/8%uint64(len(s.bits))], byte(1)<<(index%8)
	if *at&bit == 0 {
		*at |= bit
		s.version++
	}
}

func (s *statusList) packed() string {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(s.bits) // to memory
	_ = z.Close()
	return b64(out.Bytes())
}

// serveList signs the list anew at each request; its ETag is the version.
func (i *Issuer) serveList(w http.ResponseWriter, r *http.Request) {
	key := i.signing()
	i.mu.Lock()
	version, packed := i.list.version, i.list.packed()
	i.mu.Unlock()
	now := i.Clock.Now().Unix()
	text, err := json.Marshal(Claims{
		"iss": i.URL, "sub": i.URL + listPath, "iat": now, "exp": now + 3600, "ttl": 5, "version": version,
		"status_list": Claims{"bits": 1, "lst": packed},
	})
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	raw, err := key.sign([]byte(key.header("statuslist+jwt")), text)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/statuslist+jwt")
	w.Header().Set("ETag", fmt.Sprintf(`"%d-%s"`, version, key.kid))
	w.Header().Set("Cache-Control", "max-age=5")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader([]byte(raw)))
}
