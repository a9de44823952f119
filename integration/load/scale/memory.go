package scale

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

const (
	writers = 64 // that begin sessions at once
	idle    = 168 * time.Hour
	life    = 720 * time.Hour
)

// newState is a session as a web app's are.
func newState(now time.Time, n int64) session.State {
	return session.State{
		Session: id.NewSession(), Login: id.NewLogin(), Client: "webapp",
		Person:     session.Person{User: id.NewUser(), Roles: []string{"editor"}, Version: 1},
		Generation: 1, Key: 0x5eed5eed, NotAfter: now.Add(idle), Answered: now,
		Scope: []string{"openid", "profile", "email", "offline_access"}, Audience: []string{"https://api.example.com"},
		Status: n, AuthTime: now, Expires: now.Add(life),
	}
}

// begin begins n sessions, and returns one of them.
func begin(ctx context.Context, g session.Generations, n int) (session.State, error) {
	all, each := errgroup.WithContext(ctx)
	for w := range writers {
		all.Go(func() error {
			for i := w; i < n; i += writers {
				if err := g.Begin(each, newState(time.Now(), int64(i))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	one := newState(time.Now(), int64(n))
	if err := all.Wait(); err != nil {
		return one, err
	}
	return one, g.Begin(ctx, one)
}

// rotate refreshes a session a number of times.
func rotate(ctx context.Context, g session.Generations, s session.State, times uint32) error {
	for range times {
		res, err := g.Rotate(ctx, session.Rotation{
			Session: s.Session, Generation: s.Generation, Client: s.Client, Key: s.Key, Idle: idle, Window: time.Minute, Now: time.Now(),
		})
		if err != nil || res.Outcome != session.Rotated {
			return fmt.Errorf("rotate generation %d: outcome %d, %w", s.Generation, res.Outcome, err)
		}
		s = res.State
	}
	return nil
}

// field finds the number "name:value" in what INFO prints.
func field(info, name string) (int64, error) {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		}
	}
	return 0, fmt.Errorf("no %s in INFO", name)
}
