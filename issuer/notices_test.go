package issuer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/metrics"
	"github.com/signet-oidc/signet/issuer/session"
)

// TestToldIsLogged: what an operator must know of is a line with the client's id, and the rest is none.
func TestToldIsLogged(t *testing.T) {
	for name, c := range map[string]struct {
		told  flow.Told
		level string // empty: no line
	}{
		"given up":                {flow.Told{Outcome: flow.OutcomeDropped, Err: errors.New("the answer has status 500")}, "error"},
		"the first failure":       {flow.Told{Outcome: flow.OutcomeFailed, Turned: true}, "warn"},
		"another failure":         {flow.Told{Outcome: flow.OutcomeFailed}, ""},
		"delivered":               {flow.Told{Outcome: flow.OutcomeDelivered}, ""},
		"delivered again":         {flow.Told{Outcome: flow.OutcomeDelivered, Turned: true}, "info"},
		"delivered, but not kept": {flow.Told{Outcome: flow.OutcomeDelivered, Err: errors.New("the database is away")}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			i := &Issuer{log: zerolog.New(&log), metrics: metrics.New("test")}
			c.told.Notice = session.Notice{Session: "s1", Client: "shop"}
			i.told(c.told)
			if c.level == "" {
				if log.Len() > 0 {
					t.Errorf("logged: %s", &log)
				}
				return
			}
			var line map[string]any
			if err := json.Unmarshal(log.Bytes(), &line); err != nil || line["level"] != c.level || line["client"] != "shop" {
				t.Errorf("logged: %s, %v, want %s with the client", &log, err, c.level)
			}
		})
	}
}

// ledgerOf is a ledger of nothing.
type ledgerOf struct{ session.Ledger }

func (ledgerOf) End(context.Context, session.Which, audit.Event) ([]session.Ended, error) {
	return nil, nil
}

// opens is one that is an opener as well.
type opens struct {
	ledgerOf
	session.Opener
}

// TestHeard: a ledger that nudges is what it was beside that.
func TestHeard(t *testing.T) {
	ended := make(nudge, 1)
	for name, l := range map[string]session.Ledger{"a ledger": ledgerOf{}, "an opener": opens{}} {
		h := heard(l, ended)
		_, was := l.(session.Opener)
		if _, is := h.(session.Opener); is != was {
			t.Errorf("%s is an opener: %v", name, is)
		}
		for range 3 { // nobody waits
			if _, err := h.End(t.Context(), session.Which{}, audit.Event{}); err != nil {
				t.Fatal(err)
			}
		}
		if len(ended) != 1 {
			t.Fatalf("%s: %d nudges", name, len(ended))
		}
		<-ended
	}
}

// TestNudgedLoop: a nudge has the next step done at once, and the clock has the others done all the same.
func TestNudgedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var at []time.Duration
		begun, ahead := time.Now(), make(nudge, 1)
		i := &Issuer{log: zerolog.Nop(), metrics: metrics.New("test")}
		go func() {
			_ = i.repeat(ctx, loop{name: "test", every: time.Minute, ahead: ahead, step: func(context.Context) error {
				at = append(at, time.Since(begun))
				return nil
			}})
		}()
		time.Sleep(10 * time.Second)
		ahead.now()
		time.Sleep(time.Minute)
		stop()
		synctest.Wait()
		if len(at) != 3 || at[0] != 0 || at[1] != 10*time.Second || at[2] != time.Minute {
			t.Errorf("steps at %v", at)
		}
	})
}
