package chaos

import (
	"math/rand/v2"
	"time"

	"github.com/signet-oidc/signet/issuer/session"
)

// mostRefreshes is how many refreshes of its owner a thief may see at most.
const mostRefreshes = 10

// Span is a time between two, each as likely.
type Span struct{ Least, Most time.Duration }

func (s Span) draw() time.Duration { return s.Least + rand.N(s.Most-s.Least+1) }

// Plan says how a run goes.
type Plan struct {
	Clients int
	Thefts  int // at random moments of the first half
	Leavers int // a third at random moments, a third in the second that is lost, a third before the flush

	Pace   Span          // between two refreshes of a client
	Soon   Span          // after which a client tries again at once
	Thief  Span          // between two uses of a stolen token (see simulate_test.go)
	Window time.Duration // SIGNET_REFRESH_RETRY_WINDOW
	Sleep  Span          // past the window
	For    time.Duration

	Lost   float64       // of the answers, the client doesn't get
	Hasty  float64       // of the retries are at once; the others come at the next regular time
	Tabs   float64       // of the refreshes are asked by two tabs at once
	Late   float64       // of the retries that may be, are after a sleep past the window
	Lag    time.Duration // what Redis's successor has not heard of
	Outage time.Duration // until a dead server's place is taken; a real failover takes no less
}

// mayRetryLate tells whether a client whose answer was lost may sleep past the
// retry window, by what the rule grants: once in any eight generations.
func mayRetryLate(generation, last int) bool { return generation-last >= session.LateEvery }
