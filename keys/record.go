package keys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// documentFormat is the version of the document's shape. A ring of a newer format is refused, not guessed at.
const documentFormat = 1

// Bounds of a ring, so that neither the row nor the JWKS grows without end.
const (
	maxKeys        = 1024
	maxRefreshKeys = 64
)

// document is the ring as it is stored: see Sealed for a drawing.
type document struct {
	Format  int             `json:"format"`
	Updated time.Time       `json:"updated"`
	Marks   marks           `json:"marks"`
	Algs    []Algorithm     `json:"algs"`
	Keys    []record        `json:"keys"`
	Refresh []refreshRecord `json:"refresh"`
}

// record is one signing key. It stores times; its state is computed from them and the clock.
type record struct {
	KID      string          `json:"kid"`
	Alg      Algorithm       `json:"alg"`
	Provider string          `json:"provider,omitempty"` // whose private part it is; empty where there is none
	Public   json.RawMessage `json:"public"`             // a JWK (RFC 7517)
	Private  string          `json:"private,omitempty"`  // sealed; wiped once it can't sign any more

	// AtOnce: the key signs from the write on, whatever a replica's clock says. The first key of all does, and one that
	// stands in for a revoked key.
	AtOnce bool `json:"at_once,omitempty"`
	// Imported keys keep the kid that tokens already out bear.
	Imported bool `json:"imported,omitempty"`

	Created  time.Time `json:"created"`           // and published
	Activate time.Time `json:"activate,omitzero"` // signs from then on
	Retire   time.Time `json:"retire,omitzero"`   // and until then
	Remove   time.Time `json:"remove,omitzero"`   // published until then
	Revoked  time.Time `json:"revoked,omitzero"`  // trusted for nothing
}

// refreshRecord is one symmetric key that refresh tokens are authenticated with.
type refreshRecord struct {
	ID      uint32 `json:"id"`
	Private string `json:"private,omitempty"` // sealed; wiped when revoked

	Created    time.Time `json:"created"`
	Mints      time.Time `json:"mints,omitzero"`      // became the one that mints
	Superseded time.Time `json:"superseded,omitzero"` // gave that place up
	Revoked    time.Time `json:"revoked,omitzero"`    // authenticates nothing
}

// marks are the most that any replica ever promised of what the waits are derived from. They only grow, so that a
// replica with other settings can't undercut what verifiers were told.
type marks struct {
	Token   span `json:"token"`   // life of a token
	MaxAge  span `json:"max_age"` // of the JWKS
	Session span `json:"session"`
}

// span is a duration that reads as "15m0s" in the document.
type span time.Duration

// MarshalText writes a duration as Go does.
func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err == nil && d < 0 {
		err = fmt.Errorf("negative duration %s", d)
	}
	*s = span(d)
	return err
}

// encode writes the document, with times in UTC to the millisecond.
func (d *document) encode() ([]byte, error) {
	d.Format = documentFormat
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("keys: encode ring: %w", err)
	}
	return b, nil
}

// decodeDocument reads a document and checks what the code relies on. Unknown members are refused: they would be lost at
// the next write.
func decodeDocument(b []byte) (*document, error) {
	var d document
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if head.Format != documentFormat {
		return nil, fmt.Errorf("%w: it has format %d and this version of Signet reads %d: start a version that knows it", ErrDocument, head.Format, documentFormat)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return &d, nil
}

// check holds the document to its invariants: distinct ids, known algorithms, and in each algorithm at most one key at
// the end of the line and one that waits behind it.
func (d *document) check() error {
	if len(d.Keys) > maxKeys || len(d.Refresh) > maxRefreshKeys {
		return fmt.Errorf("%w: %d keys and %d refresh keys", ErrFull, len(d.Keys), len(d.Refresh))
	}
	kids := map[string]bool{}
	last, waiting := map[Algorithm]int{}, map[Algorithm]int{}
	for i := range d.Keys {
		r := &d.Keys[i]
		if r.KID == "" || kids[r.KID] || !r.Alg.Known() || r.Created.IsZero() {
			return fmt.Errorf("key %d (%.64q, %.10q) is malformed or comes twice", i, r.KID, r.Alg)
		}
		kids[r.KID] = true
		switch {
		case r.isStandby():
			waiting[r.Alg]++
		case r.isCurrent():
			last[r.Alg]++
		}
		if last[r.Alg] > 1 || waiting[r.Alg] > 1 {
			return fmt.Errorf("%s has %d current and %d standby keys", r.Alg, last[r.Alg], waiting[r.Alg])
		}
	}
	return d.checkRefresh()
}

func (d *document) checkRefresh() error {
	ids := map[uint32]bool{}
	for i := range d.Refresh {
		r := &d.Refresh[i]
		if r.ID == 0 || ids[r.ID] || r.Created.IsZero() {
			return fmt.Errorf("refresh key %d (id %d) is malformed or comes twice", i, r.ID)
		}
		ids[r.ID] = true
	}
	return nil
}

// clone copies the document so that a plan may change it.
func (d *document) clone() *document {
	c := *d
	c.Algs, c.Keys, c.Refresh = slices.Clone(d.Algs), slices.Clone(d.Keys), slices.Clone(d.Refresh)
	return &c
}

func (d *document) find(kid string) *record {
	for i := range d.Keys {
		if d.Keys[i].KID == kid {
			return &d.Keys[i]
		}
	}
	return nil
}

func (d *document) findRefresh(id uint32) *refreshRecord {
	for i := range d.Refresh {
		if d.Refresh[i].ID == id {
			return &d.Refresh[i]
		}
	}
	return nil
}
