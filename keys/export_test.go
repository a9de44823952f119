package keys

import "time"

// SetPoll makes Run turn slower: two years of seconds are too many even for a clock that jumps.
func (k *Keeper) SetPoll(d time.Duration) { k.poll = d }
