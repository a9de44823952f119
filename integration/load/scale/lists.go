package scale

import (
	"context"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
)

// listed is what the status lists of many sessions cost.
type listed struct {
	lists  int
	bytes  int           // of all signed lists together
	sign   time.Duration // of all, packing included
	memory int64         // of bits and signed lists
}

// measureLists ends some of the sessions at random, and signs every list.
func measureLists(sessions int64, ended float64, ring *keys.Ring) (m listed, err error) {
	before := heap()
	bits := session.NewBits()
	m.lists = int((sessions + session.ListSize - 1) / session.ListSize)
	for range int64(ended * float64(sessions)) {
		for !bits.Set(rand.Int64N(sessions)) {
		}
	}
	lists := &flow.StatusLists{
		Bits:      bits,
		Minter:    token.NewMinter("https://auth.example.com", func() token.Ring { return ring }),
		Algorithm: func() keys.Algorithm { return keys.ES256 }, Life: 15 * time.Minute, Now: time.Now,
	}
	start := time.Now()
	for n := range int64(m.lists) {
		signed, err := lists.List(n)
		if err != nil {
			return m, err
		}
		m.bytes += len(signed.Token)
	}
	m.sign = time.Since(start)
	m.memory = heap() - before
	runtime.KeepAlive(lists)
	return m, nil
}

// heap is what is in use once the garbage is collected.
func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// readBits reads the published lists as a server does at its start.
func readBits(ctx context.Context, x session.Indices) (lists, set int, took time.Duration, err error) {
	start := time.Now()
	since := start.Add(-time.Hour)
	bits := session.NewBits()
	numbers, err := x.Lists(ctx, since)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, n := range numbers {
		bits.Publish(n)
	}
	err = x.Set(ctx, since, func(index int64) bool {
		if bits.Set(index) {
			set++
		}
		return true
	})
	return len(numbers), set, time.Since(start), err
}
