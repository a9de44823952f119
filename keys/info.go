package keys

import (
	"cmp"
	"slices"
	"time"
)

// Info describes a key for people: GET /admin/keys and `signet keys list`. Never a private part.
type Info struct {
	KID      string    `json:"kid"`
	Alg      Algorithm `json:"alg"`
	State    State     `json:"state"`
	Provider string    `json:"provider,omitempty"`
	Imported bool      `json:"imported,omitempty"`
	Created  time.Time `json:"created"`             // published since
	Known    time.Time `json:"known"`               // every verifier knows it by then
	Activate time.Time `json:"activate,omitzero"`   // signs from
	Retire   time.Time `json:"retire,omitzero"`     // signs until
	Remove   time.Time `json:"remove,omitzero"`     // published until
	Revoked  time.Time `json:"revoked,omitzero"`    // trusted for nothing since
	Next     string    `json:"next_step,omitempty"` // what happens next: activate, retire, remove, forget
	NextAt   time.Time `json:"next_step_at,omitzero"`
}

// RefreshInfo describes a refresh key for people.
type RefreshInfo struct {
	ID         uint32    `json:"id"`
	State      string    `json:"state"` // standby, minting, checking, revoked
	Created    time.Time `json:"created"`
	Mints      time.Time `json:"mints,omitzero"`
	Superseded time.Time `json:"superseded,omitzero"`
	Revoked    time.Time `json:"revoked,omitzero"`
	Forget     time.Time `json:"forget,omitzero"`
}

// Status is the state of one algorithm, for metrics.
type Status struct {
	Alg    Algorithm `json:"alg"`
	KID    string    `json:"kid,omitempty"`      // the key that signs; empty where none may yet
	Since  time.Time `json:"since,omitzero"`     // it signs since
	Next   time.Time `json:"next_step,omitzero"` // when the signing key changes next: activation set, or rotation due; zero: never by itself
	Safe   time.Time `json:"safe,omitzero"`      // from when on a rotation needs no force
	Staged string    `json:"standby,omitempty"`  // the kid that comes next
}

// List describes every key in the ring at now.
func (r *Ring) List(now time.Time) []Info {
	out := make([]Info, 0, len(r.doc.Keys))
	for _, rec := range r.sorted() {
		out = append(out, r.info(rec, now))
	}
	return out
}

func (r *Ring) sorted() []*record {
	all := make([]*record, 0, len(r.doc.Keys))
	for i := range r.doc.Keys {
		all = append(all, &r.doc.Keys[i])
	}
	slices.SortFunc(all, compareTurns)
	return all
}

// compareTurns orders keys as they take turns: by algorithm, in the order in which they sign, the standby last.
func compareTurns(a, b *record) int {
	turn := func(r *record) int {
		if r.Activate.IsZero() {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.Alg.sortRank(), b.Alg.sortRank()),
		cmp.Compare(turn(a), turn(b)),
		a.Activate.Compare(b.Activate),
		compareRecords(a, b),
	)
}

func (r *Ring) info(rec *record, now time.Time) Info {
	i := Info{
		KID: rec.KID, Alg: rec.Alg, State: rec.state(now), Provider: rec.Provider, Imported: rec.Imported,
		Created: rec.Created, Known: rec.knownAt(r.doc.Marks),
		Activate: rec.Activate, Retire: rec.Retire, Remove: rec.Remove, Revoked: rec.Revoked,
	}
	if rec.AtOnce {
		i.Known = rec.Created
	}
	i.Next, i.NextAt = r.nextStep(rec, i.State)
	return i
}

func (r *Ring) nextStep(rec *record, s State) (string, time.Time) {
	switch {
	case s == Pending:
		return "activate", rec.Activate
	case s == Active && !rec.Retire.IsZero():
		return "retire", rec.Retire
	case s == Active && r.every > 0:
		if l := r.doc.lane(rec.Alg); l.standby != nil {
			return "retire", r.doc.dueAt(l, r.every).Add(ActivateAhead)
		}
	case s == Retired:
		return "remove", rec.Remove
	case s == Removed, s == Revoked:
		return "forget", rec.forgetAt(r.doc.Marks)
	}
	return "", time.Time{}
}

// RefreshKeys describes the refresh keys.
func (r *Ring) RefreshKeys() []RefreshInfo {
	out := make([]RefreshInfo, 0, len(r.doc.Refresh))
	for i := range r.doc.Refresh {
		rec := &r.doc.Refresh[i]
		out = append(out, RefreshInfo{
			ID: rec.ID, State: rec.state(), Created: rec.Created, Mints: rec.Mints,
			Superseded: rec.Superseded, Revoked: rec.Revoked, Forget: rec.forgetAt(r.doc.Marks),
		})
	}
	return out
}

func (r *refreshRecord) state() string {
	switch {
	case !r.Revoked.IsZero():
		return "revoked"
	case !r.Superseded.IsZero():
		return "checking"
	case !r.Mints.IsZero():
		return "minting"
	}
	return "standby"
}

// Status reports on each algorithm of the ring at now.
func (r *Ring) Status(now time.Time) []Status {
	out := make([]Status, 0, len(r.doc.Algs))
	for _, alg := range r.doc.Algs {
		out = append(out, r.status(alg, now))
	}
	return out
}

func (r *Ring) status(alg Algorithm, now time.Time) Status {
	s, l := Status{Alg: alg}, r.doc.lane(alg)
	if signer := r.doc.signer(alg, now); signer != nil {
		s.KID, s.Since = signer.KID, signer.Activate
	}
	if l.current == nil || l.standby == nil {
		return s
	}
	s.Staged, s.Safe = l.standby.KID, l.standby.knownAt(r.doc.Marks)
	switch {
	case l.current.state(now) == Pending:
		s.Staged, s.Safe, s.Next = l.current.KID, l.current.Activate, l.current.Activate
	case r.every > 0:
		s.Next = r.doc.dueAt(l, r.every).Add(ActivateAhead)
	}
	return s
}
