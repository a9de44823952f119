package verifier

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"math/bits"

	"github.com/signet-oidc/signet/verifier/jws"
)

// maxList bounds a list once inflated: eight million sessions of one bit. Signet's
// have 2^17.
const maxList = 1 << 20

// statusList is what a status list token says (draft-ietf-oauth-status-list §5.1).
type statusList struct {
	issuer, subject string
	issued, expires int64 // seconds; 0 and -1 if absent
	ttl             uint64
	version         uint64 // Signet's own: how many bits are set, which only grows
	versioned       bool
	bits            uint64 // of one status: 1, 2, 4 or 8
	list            []byte // inflated
}

// readStatusList reads the claims of a status list token whose signature held.
func readStatusList(text string) (*statusList, error) {
	s := &statusList{expires: -1}
	packed := ""
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		switch m.Name {
		case "iss":
			s.issuer = r.String()
		case "sub":
			s.subject = r.String()
		case "iat":
			s.issued = r.Time()
		case "exp":
			s.expires = r.Time()
		case "ttl":
			s.ttl = r.Uint()
		case "version":
			s.version, s.versioned = r.Uint(), true
		case "status_list":
			s.bits, packed = readPacked(&r)
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return s, s.inflate(packed)
}

func readPacked(r *jws.Reader) (size uint64, packed string) {
	for m := r.Object(); m.Next(r); {
		switch m.Name {
		case "bits":
			size = r.Uint()
		case "lst":
			packed = r.String()
		}
	}
	return size, packed
}

// inflate opens the list, which is zlib (RFC 1950) in base64url, and no more than
// maxList of it.
func (s *statusList) inflate(packed string) error {
	if s.bits != 1 && s.bits != 2 && s.bits != 4 && s.bits != 8 {
		return fmt.Errorf("%w: status of %d bits", ErrMalformed, s.bits)
	}
	deflated, err := jws.Decode(nil, packed)
	if err != nil {
		return err
	}
	z, err := zlib.NewReader(bytes.NewReader(deflated))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	s.list, err = io.ReadAll(io.LimitReader(z, maxList+1))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(s.list) > maxList || len(s.list) == 0 {
		return fmt.Errorf("%w: status list of %d bytes", ErrMalformed, len(s.list))
	}
	return nil
}

// set says whether the status at index is anything but 0, "valid". Statuses fill a
// byte from its least significant bit (§4.1). ok is false beyond the end.
func (s *statusList) set(index uint64) (set, ok bool) {
	// No division: this is asked at every hit of the cache.
	shift := bits.TrailingZeros64(s.bits)
	perByte := uint64(8) >> shift
	i := index >> (3 - shift)
	if i >= uint64(len(s.list)) {
		return false, false
	}
	status := s.list[i] >> (index & (perByte - 1) << shift)
	return status&(1<<s.bits-1) != 0, true
}

// before says whether s is older than other: revoked sessions never come back, so
// such a list would be a step back in time. A list of the same version is no step
// back, however it was signed.
func (s *statusList) before(other *statusList) bool {
	if s.versioned && other.versioned {
		return s.version < other.version
	}
	return s.issued < other.issued
}
