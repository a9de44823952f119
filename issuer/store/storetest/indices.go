package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

func testIndices(t *testing.T, h Harness) {
	b := h.Backend
	t.Run("lease", func(t *testing.T) { testLease(t, b.Indices) })
	t.Run("lists", func(t *testing.T) { testLists(t, b) })
}

// testLease: blocks of any size never overlap nor cross a list.
func testLease(t *testing.T, x session.Indices) {
	type block struct{ first, n int64 }
	sizes := []int64{1, 2, 64, 256, 4096}
	lease := func(n int64) block {
		first, err := x.Lease(t.Context(), n)
		if err != nil {
			t.Error(err)
		}
		return block{first, n}
	}
	blocks := atOnce(rivals, func(i int) block { return lease(sizes[i%len(sizes)]) })
	for blocks = append(blocks, lease(1)); blocks[len(blocks)-1].first < session.ListSize; {
		blocks = append(blocks, lease(4096)) // none of them at the end of the first list
	}
	slices.SortFunc(blocks, func(a, b block) int { return int(a.first - b.first) })
	for i, b := range blocks {
		if b.first < 0 || b.first/session.ListSize != (b.first+b.n-1)/session.ListSize {
			t.Errorf("block %+v crosses a list", b)
		}
		if i > 0 && blocks[i-1].first+blocks[i-1].n > b.first {
			t.Errorf("blocks %+v and %+v overlap", blocks[i-1], b)
		}
	}
	for _, n := range []int64{0, -1, 3, session.ListSize * 2} {
		if first, err := x.Lease(t.Context(), n); err == nil {
			t.Errorf("Lease(%d) = %d, want an error", n, first)
		}
	}
}

// testLists puts sessions into five lists: live, ended lately, ended long ago and
// still published, ended long ago altogether, and ended long ago in the list that is
// being leased from, which stays: its version must not begin anew.
func testLists(t *testing.T, b store.Backend) {
	const l = session.ListSize
	at := now()
	u := addUser(t, b)
	put := func(index int64, expires, ended time.Duration) {
		login, s := newSession(u.ID, "web")
		login.Expires, s.Expires, s.Status = at.Add(expires), at.Add(expires), index
		s.Created = at.Add(-100 * time.Hour)
		_, err := b.Ledger.Open(t.Context(), login, s, 0, event(audit.LoginSucceeded, u.ID))
		ok(t, err)
		if ended == 0 {
			return
		}
		e := event(audit.SessionEnded, u.ID)
		e.At = at.Add(ended)
		_, err = b.Ledger.End(t.Context(), session.Which{ID: s.ID}, e)
		ok(t, err)
	}
	current := int64(0) // the list that is leased from
	for current < 18 {
		first, err := b.Indices.Lease(t.Context(), l)
		ok(t, err)
		current = first/l + 1
	}
	const never = 0
	put(current*l+7, time.Hour, -50*time.Hour)
	put(10*l+1, time.Hour, never)
	put(10*l+2, time.Hour, -50*time.Hour)
	put(12*l+1, time.Hour, -time.Minute)
	put(13*l-1, -50*time.Hour, -60*time.Hour)
	put(14*l+5, time.Hour, -50*time.Hour)
	put(15*l+5, -50*time.Hour, never)
	put(15*l+6, -3*time.Minute, never)
	since := at.Add(-15 * time.Minute)
	lists, err := b.Indices.Lists(t.Context(), since)
	ok(t, err)
	same(t, "Lists", lists, []int64{10, 12, 15, current})
	var set []int64
	ok(t, b.Indices.Set(t.Context(), since, func(i int64) bool { set = append(set, i); return true }))
	slices.Sort(set)
	same(t, "Set", set, []int64{10*l + 2, 12*l + 1, 13*l - 1, current*l + 7})
	calls := 0
	ok(t, b.Indices.Set(t.Context(), since, func(int64) bool { calls++; return false }))
	if calls != 1 {
		t.Errorf("Set called yield %d times after it returned false", calls)
	}
}
