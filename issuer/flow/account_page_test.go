package flow

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// ledgerOf has the live sessions of one person.
type ledgerOf struct {
	session.Ledger
	live []session.Session
}

func (l *ledgerOf) List(context.Context, session.Which, bool, id.Session, int) ([]session.Session, error) {
	return l.live, nil
}

// loginsOf has the browsers of one person.
type loginsOf struct {
	session.Logins
	live []session.Login
}

func (l loginsOf) Of(context.Context, id.User, time.Time, int) ([]session.Login, error) {
	return l.live, nil
}

// seenAt knows when clients last came.
type seenAt struct {
	session.Generations
	at map[id.Session]time.Time
}

func (s seenAt) Look(_ context.Context, sid id.Session) (session.State, error) {
	at, ok := s.at[sid]
	if !ok {
		return session.State{}, session.ErrNotFound
	}
	return session.State{Answered: at}, nil
}

// nobody is a store without clients.
type nobody struct{}

func (nobody) ByID(_ context.Context, c id.Client) (client.Client, error) {
	if c == "down" {
		return client.Client{}, errors.New("down")
	}
	return client.Client{}, client.ErrNotFound
}

func (nobody) List(context.Context, id.Client, int) ([]client.Client, error) { return nil, nil }

// A person sees this browser first, then the latest login, also where no client has a session; in each the client first
// that was seen last. A client that was deleted is known by its id, and that a
// session's state is lost is no error.
func TestDevices(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC) }
	one := func(sid id.Session, login id.Login, c id.Client, hour int) session.Session {
		return session.Session{ID: sid, Login: login, Client: c, AuthTime: at(hour), Created: at(hour)}
	}
	ledger := &ledgerOf{live: []session.Session{
		one("a", "old", "gone", 1), one("b", "new", client.BuiltinID, 5), one("c", "here", "gone", 2), one("d", "here", client.BuiltinID, 2), one("e", "here", "gone", 3),
	}}
	logins := loginsOf{live: []session.Login{{ID: "bare", AuthTime: at(4)}, {ID: "old", AuthTime: at(1)}, {ID: "here", AuthTime: at(0)}}}
	seen := seenAt{at: map[id.Session]time.Time{"c": at(4), "d": at(9), "a": at(10)}}
	f := New(Config{
		Now:      time.Now,
		Clients:  client.NewRegistry(nobody{}, client.Client{ID: client.BuiltinID, Name: "Signet"}),
		Sessions: &session.Sessions{Config: session.Config{Ledger: ledger, Generations: seen, Logins: logins}},
	})
	got, err := f.devices(t.Context(), session.Login{ID: "here", User: "usr_a", AuthTime: at(0)})
	if err != nil {
		t.Fatal(err)
	}
	signet, gone := client.Client{ID: client.BuiltinID, Name: "Signet"}, client.Client{ID: "gone"}
	want := []Device{
		{Login: "here", This: true, Since: at(0), Shares: []Share{{"d", signet, at(2), at(9)}, {"c", gone, at(2), at(4)}, {"e", gone, at(3), time.Time{}}}},
		{Login: "new", Since: at(5), Shares: []Share{{"b", signet, at(5), time.Time{}}}},
		{Login: "bare", Since: at(4)},
		{Login: "old", Since: at(1), Shares: []Share{{"a", gone, at(1), at(10)}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ledger.live = append(ledger.live, one("f", "here", "down", 1))
	if _, err := f.devices(t.Context(), session.Login{ID: "here"}); err == nil {
		t.Error("a store that is down is no deleted client")
	}
}
