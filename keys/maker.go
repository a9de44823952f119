package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// errNeedKeys: a plan took keys that aren't made yet.
var errNeedKeys = errors.New("keys: keys must be made first")

// maker makes keys for a plan. The plan asks with take; what isn't there is noted, made in parallel (an RSA key takes a
// fifth of a second), and there when the plan is tried again. A conflict makes nothing anew.
type maker struct {
	ctx      context.Context
	provider Provider
	seal     *sealer

	made  []record // without times
	taken map[string]bool
	need  []Algorithm
}

// rewind begins a new attempt: all that was made can be taken again.
func (m *maker) rewind() { m.taken, m.need = map[string]bool{}, nil }

func (m *maker) missing() bool { return len(m.need) > 0 }

// take returns a new key's record, published at now.
func (m *maker) take(alg Algorithm, now time.Time) record {
	for _, r := range m.made {
		if r.Alg == alg && !m.taken[r.KID] {
			m.taken[r.KID] = true
			r.Created = now
			return r
		}
	}
	m.need = append(m.need, alg)
	return record{Alg: alg, Created: now}
}

// generate makes what the last attempt lacked.
func (m *maker) generate() error {
	var (
		wg   sync.WaitGroup
		made = make([]record, len(m.need))
		errs = make([]error, len(m.need))
	)
	for i, alg := range m.need {
		wg.Go(func() { made[i], errs[i] = m.generateOne(alg) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	m.made = append(m.made, made...)
	return nil
}

func (m *maker) generateOne(alg Algorithm) (record, error) {
	signer, state, err := m.provider.Generate(m.ctx, alg)
	if err != nil {
		return record{}, fmt.Errorf("make %s key: %w", alg, err)
	}
	defer clear(state)
	kid, err := thumbprint(signer.Public())
	if err != nil {
		return record{}, err
	}
	public, err := json.Marshal(publicJWK(kid, alg, signer.Public()))
	if err != nil {
		return record{}, fmt.Errorf("make %s key: %w", alg, err)
	}
	return record{
		KID: kid, Alg: alg, Provider: m.provider.Name(), Public: public,
		Private: m.seal.seal(sealedSigning, kid, state),
	}, nil
}
