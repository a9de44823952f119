package keys_test

import (
	"time"

	"github.com/signet-oidc/signet/keys"
)

// The hunts of the model: chance alone seldom meets the few seconds that the waits are made of.

// replica picks one.
func (m *model) replica() *replica { return m.replicas[m.r.IntN(len(m.replicas))] }

// reconnect ends every cut, and lets all poll.
func (m *model) reconnect() {
	for _, r := range m.replicas {
		r.cut = false
		if err := r.keeper.Reload(m.t.Context()); err != nil {
			m.t.Fatalf("reload: %v", err)
		}
		r.synced = m.real
	}
}

// leap goes to a time of a replica's clock, if that isn't past.
func (m *model) leap(r *replica, to time.Time) {
	if to = to.Add(-r.offset); to.After(m.real) {
		m.real = to
	}
	m.expire()
}

// safeRotation goes to the very moment from which on a replica may rotate by its clock, and rotates. Another is cut off
// right before, and doesn't hear of it; nil, or the one that rotates: none is.
func (m *model) safeRotation(r, lagging *replica) {
	m.reconnect()
	m.leap(r, r.keeper.Ring().Status(m.now(r))[0].Safe)
	m.reconnect()
	if lagging != nil && lagging != r {
		lagging.cut = true
	}
	m.rotate(r)
}

// huntLateSet looks for the last set without a key: right before it stops answering for the cache, a lagging replica
// serves a verifier the ring as it was before a rotation; then another rotates at the first moment that it may, and
// everybody signs.
func (m *model) huntLateSet(writer *replica) {
	lagging, next := m.replica(), m.replica()
	m.safeRotation(writer, lagging)
	m.real = m.real.Add(keys.FreshFor - m.dice(time.Second))
	m.fetch(lagging)
	m.safeRotation(next, nil)
	m.real = m.real.Add(keys.ActivateAhead)
	m.reconnect()
	for _, r := range m.replicas {
		m.sign(r)
	}
	m.real = m.real.Add(m.dice(2 * keys.Leeway))
	m.sign(m.replica())
}

// huntLateToken looks for the last token of a key: a replica that is cut off signs with it for as long as it may, and
// then another serves the first set without it.
func (m *model) huntLateToken(writer *replica) {
	lagging, server := m.replica(), m.replica()
	m.safeRotation(writer, lagging)
	m.real = lagging.synced.Add(keys.StaleFor - m.dice(time.Second))
	m.sign(lagging)
	m.reconnect()
	if gone := nextRemoval(server.keeper.Ring().List(m.now(server))); !gone.IsZero() {
		m.leap(server, gone)
		m.reconnect()
		m.fetch(server)
	}
}

// nextRemoval is when the next ES256 key leaves the set, the last to have retired first.
func nextRemoval(list []keys.Info) (last time.Time) {
	for _, i := range list {
		if i.Alg == keys.ES256 && i.State == keys.Retired && i.Remove.After(last) {
			last = i.Remove
		}
	}
	return last
}
