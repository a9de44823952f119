package keys

import (
	"errors"
	"fmt"
	"time"
)

// Errors of this package. They are wrapped with what was being done; ask with errors.Is.
var (
	// ErrNoRing: the store holds no ring yet.
	ErrNoRing = errors.New("keys: there is no ring yet")
	// ErrConflict: somebody else changed the ring since it was read. The keeper reads it again and reconsiders.
	ErrConflict = errors.New("keys: the ring was changed by another replica")
	// ErrStale: the ring is older than StaleFor, and nothing may be signed from it. It is a 503 to a client.
	ErrStale = errors.New("keys: the ring is too old to sign from")
	// ErrNotFresh: the ring is older than FreshFor; the replica isn't ready.
	ErrNotFresh = errors.New("keys: the ring hasn't been refreshed")
	// ErrClock: this replica's clock is off the database's by more than Leeway.
	ErrClock = errors.New("keys: this machine's clock is off")
	// ErrAlgorithm: an algorithm that Signet doesn't know, or that the ring has no keys for.
	ErrAlgorithm = errors.New("keys: no such algorithm in the ring")
	// ErrNoKey: the algorithm is in the ring and has no key that may sign yet.
	ErrNoKey = errors.New("keys: no key may sign yet")
	// ErrUnknownKey: no key of that kid is in the ring.
	ErrUnknownKey = errors.New("keys: no such key")
	// ErrRevoked: the key was revoked.
	ErrRevoked = errors.New("keys: the key is revoked")
	// ErrTooEarly is what every TooEarlyError is.
	ErrTooEarly = errors.New("keys: too early")
	// ErrSealed is what every SealError is.
	ErrSealed = errors.New("keys: a key can't be opened")
	// ErrPolicy: settings that contradict each other or are out of bounds.
	ErrPolicy = errors.New("keys: unusable settings")
	// ErrImport: what was given isn't a key that may be taken in.
	ErrImport = errors.New("keys: the key can't be imported")
	// ErrDocument: what the store holds isn't a ring that this version can read.
	ErrDocument = errors.New("keys: the stored ring can't be read")
	// ErrProvider: no provider of the name that a record bears was configured.
	ErrProvider = errors.New("keys: unknown key provider")
	// ErrFull: the ring holds as many keys as it may.
	ErrFull = errors.New("keys: the ring is full")
)

// TooEarlyError refuses a move that some verifier couldn't follow. Its Is makes errors.Is(err, ErrTooEarly) hold.
type TooEarlyError struct {
	Alg  Algorithm // which algorithm stands in the way; empty for a refresh key
	KID  string    // the key that wasn't published long enough
	Safe time.Time // from when on the same call is obeyed
}

func (e *TooEarlyError) Error() string {
	return fmt.Sprintf("keys: too early: key %s was not published long enough to be known to every verifier; safe from %s on, or force it",
		e.KID, e.Safe.UTC().Format(time.RFC3339))
}

// Is reports whether target is ErrTooEarly.
func (e *TooEarlyError) Is(target error) bool { return target == ErrTooEarly }

// SealError says which key can't be opened and how to mend it. Nothing has been changed when it is returned.
type SealError struct {
	KID    string   // the key, or "refresh:" and the id of a refresh key
	Sealed string   // fingerprint of the seal key it was sealed with
	Have   []string // fingerprints of the seal keys that were given
	Cause  error    // nil when no seal key of that fingerprint was given
}

func (e *SealError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("keys: key %s can't be opened: it is damaged, or was moved from another record: %v; restore the ring from a backup, or revoke the key", e.KID, e.Cause)
	}
	return fmt.Sprintf("keys: key %s can't be opened: it was sealed with seal key %s, and SIGNET_SEAL_KEY holds %v: add the key it was sealed with (the first seals, all open); nothing was changed", e.KID, e.Sealed, e.Have)
}

// Is reports whether target is ErrSealed.
func (e *SealError) Is(target error) bool { return target == ErrSealed }

// Unwrap returns what the cipher said.
func (e *SealError) Unwrap() error { return e.Cause }
