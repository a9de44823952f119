package session

import (
	"context"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// ErrNotFound means that there is no such session or login.
var ErrNotFound = errors.New("no such session")

// ErrChanged means that the user was changed after they had proved who they are: the
// proof may be void (a password that was replaced meanwhile), and roles are others.
var ErrChanged = errors.New("the user has been changed meanwhile")

// ErrUsed means that a session with this id has been opened before: its code comes a
// second time.
var ErrUsed = errors.New("the session has been opened before")

// Login is a person in a browser or app (OIDC Session Management's End-User
// session). Sessions hang on it; ending it ends them.
type Login struct {
	ID       id.Login  `json:"id"`
	User     id.User   `json:"user"`
	AuthTime time.Time `json:"auth_time"` // when the person last proved who they are
	AMR      []string  `json:"amr"`       // how (RFC 8176); ["pwd"]
	Expires  time.Time `json:"expires"`   // absolute
	// Cookie is the SHA-256 of the browser's login cookie; zero for an app.
	Cookie [32]byte `json:"-"`
	// Agent is the User-Agent header that came with the login, of which printable ASCII
	// and 256 bytes are kept; empty: none came.
	Agent string `json:"agent,omitempty"`
	// Origin is the browser's login that one for offline access came from and outlives;
	// empty: none.
	Origin id.Login `json:"origin,omitempty"`
	// Proved is the version of the user who proved who they are; zero: not known. It
	// isn't kept.
	Proved int64 `json:"-"`
}

// Session is one client's share of a login: one refresh family, one `sid`, one
// index in the status lists.
type Session struct {
	ID       id.Session `json:"id"`
	Login    id.Login   `json:"login"`
	User     id.User    `json:"user"`
	Client   id.Client  `json:"client"`
	Scope    []string   `json:"scope"`
	Audience []string   `json:"audience"`
	BoundKey string     `json:"bound_key,omitempty"` // RFC 7638 thumbprint (RFC 9449 §5); empty: none
	Status   int64      `json:"status"`              // index over all status lists
	AuthTime time.Time  `json:"auth_time"`
	Created  time.Time  `json:"created"`
	Expires  time.Time  `json:"expires"` // absolute; no refresh outlives it
	Ended    time.Time  `json:"ended,omitzero"`
	Reason   string     `json:"reason,omitempty"` // why it ended
	// Notify says that the client is to be told when the session ends: a Notice is
	// written with the end.
	Notify bool `json:"-"`
}

// Person is what a token says of a user, as of a version. A session's state
// carries a copy where that spares the refresh a second store.
type Person struct {
	User     id.User
	Roles    []string
	Disabled bool
	Version  int64
}

// Ended is a session that an End has ended (or that had been): what the marks and
// the status lists need to know of it.
type Ended struct {
	ID     id.Session
	Status int64
	Until  time.Time // when the session would have expired; its marks go then
}

// Which names sessions: all that match every field that is set. At least one of
// ID, Login, User, Client is.
type Which struct {
	ID     id.Session
	Login  id.Login
	User   id.User
	Client id.Client
	But    id.Login // all but those of this login
}

// Ledger is what must not be lost of sessions: that each exists and that it
// ended. SQL keeps it. Every change writes its event, and an entry of kind
// "session" (id: the sid; version: the status index) for each ended session in
// the changes feed, in one transaction with it.
type Ledger interface {
	// Open writes a session, and its login unless that exists. A user who has another
	// version by now than l.Proved, where that is known, is ErrChanged, and one that is
	// gone ErrNotFound: what ended their sessions could not end this one. So is a login
	// that has ended, and one whose l.Origin has. A session whose id was opened before,
	// ended or not, is ErrUsed. Where the user would have more than most live sessions,
	// the oldest end with reason "too_many"; these it returns.
	Open(ctx context.Context, l Login, s Session, most int, e audit.Event) ([]Ended, error)
	// End marks the live sessions that match, and their login when Which names the
	// login, or when it has no live session left and is no browser's (which stays
	// logged in), as ended at e.At with e.Reason.
	// Sessions in logins whose Origin it ends go on, but are noticed (Notice).
	// It returns those it ended; none and no error where all had ended before.
	// No event is written when nothing ended.
	End(ctx context.Context, w Which, e audit.Event) ([]Ended, error)
	// Find returns a session, live or ended, and its user as of now, or
	// ErrNotFound.
	Find(ctx context.Context, s id.Session) (Session, Person, error)
	// Statuses returns what is to be marked of sessions that have ended, in no order;
	// those it doesn't know are left out.
	Statuses(ctx context.Context, sids []id.Session) ([]Ended, error)
	// List returns at most limit sessions that match w, live ones only unless
	// ended is set, whose id is greater than after, by id.
	List(ctx context.Context, w Which, ended bool, after id.Session, limit int) ([]Session, error)
}

// Indices hands out status indices and remembers which are set.
type Indices interface {
	// Lease takes n successive indices that nobody ever had, and returns the
	// first. Blocks never cross a list (ListSize is a multiple of n).
	Lease(ctx context.Context, n int64) (first int64, err error)
	// Set calls yield with the index of each ended session whose list is still
	// published: at least one session of the list has Ended (or Expires, where it
	// has not ended) later than since, or it is the list that is being leased from
	// or the one before it: a list's version must never begin anew while sessions
	// are still to come. It stops when yield returns false.
	Set(ctx context.Context, since time.Time, yield func(index int64) bool) error
	// Lists returns the numbers of the lists that are still published, by the
	// same rule.
	Lists(ctx context.Context, since time.Time) ([]int64, error)
}

// Generations is what changes all the time: which refresh token of a session is
// the current one. Redis keeps it; where there is none, SQL.
type Generations interface {
	// Begin writes the state of a new session, or of one that the ledger knows
	// and this store has lost. Where there is a state already it stays as it is.
	Begin(ctx context.Context, s State) error
	// Rotate does what Decide says, in one atomic operation and one round trip:
	// any number of calls at once are as if one after the other. Of a session it
	// has no state of, it says Unknown.
	Rotate(ctx context.Context, r Rotation) (Result, error)
	// Look returns the state as it is, or ErrNotFound. It changes nothing.
	Look(ctx context.Context, s id.Session) (State, error)
	// End marks sessions as ended, so that no Rotate of theirs succeeds, until
	// each one's Until. Sessions without a state are marked as well: a state must
	// not come back by Begin.
	End(ctx context.Context, ended []Ended) error
	// Update gives the state of a session the person's roles and disabled flag,
	// if p.Version is newer than what it has. Unknown sessions are passed over.
	Update(ctx context.Context, sessions []id.Session, p Person) error
}

// Settler is what an engine has in addition that ends families on reuse before
// the ledger knows of it (Redis): its list of marks "not yet in the ledger".
type Settler interface {
	// Unsettled returns at most limit sessions that a Rotate ended for reuse and
	// that Settle has not been called for.
	Unsettled(ctx context.Context, limit int) ([]id.Session, error)
	// Settle says that the ledger knows.
	Settle(ctx context.Context, sessions []id.Session) error
}

// Logins are the logins of browsers, which may have no session yet. It is SQL's.
type Logins interface {
	// Begin writes a login with its event. ErrChanged and ErrNotFound as in
	// Ledger.Open.
	Begin(ctx context.Context, l Login, e audit.Event) error
	// ByCookie returns the login whose cookie has this SHA-256, if it has not ended and
	// lives at now, and its user as of now; else ErrNotFound.
	ByCookie(ctx context.Context, cookie [32]byte, now time.Time) (Login, Person, error)
	// Of returns at most limit logins of a user, of browsers and of apps, that have not
	// ended and live at now, the latest first, without their cookies.
	Of(ctx context.Context, user id.User, now time.Time, limit int) ([]Login, error)
	// Renew gives a live login of l.User another AuthTime, AMR, Expires, Agent and
	// Cookie, with its event. ErrChanged and ErrNotFound as in Ledger.Open.
	Renew(ctx context.Context, l Login, e audit.Event) error
}

// Notice is a client that is still to be told that a session has ended, or that the
// browser's login has which it came from with offline access (OpenID Connect Back-Channel
// Logout §2.5, §2.7).
type Notice struct {
	Session id.Session
	Client  id.Client
	User    id.User
	Ended   time.Time
	Tries   int
}

// Notices are those that are still to be told, at most one a session. One is written in
// the transaction that ends a session with Notify, or the Origin of its login while it
// lives, due at once. It is SQL's.
type Notices interface {
	// Due returns at most limit that are due at now, the longest due first, and puts
	// them off until lease: no other call returns them before.
	Due(ctx context.Context, now, lease time.Time, limit int) ([]Notice, error)
	// Later puts one off until next and counts a try.
	Later(ctx context.Context, s id.Session, next time.Time) error
	// Done forgets one: the client knows, or won't ever.
	Done(ctx context.Context, s id.Session) error
}
