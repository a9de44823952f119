package issuer

// measure registers the series that are read when asked for.
func (i *Issuer) measure() {
	i.measureKeys()
	i.metrics.Sampled("signet_hash_waiting", "Logins that wait for a hash worker.", "", func(set func(string, float64)) {
		set("", float64(i.hasher.Stats().Waiting))
	})
	i.metrics.Sampled("signet_hash_rejected", "Logins refused because the pool was full, since the start.", "", func(set func(string, float64)) {
		set("", float64(i.hasher.Stats().Rejected))
	})
	i.metrics.Sampled("signet_clock_offset_seconds", "By how much this machine's clock is ahead of the database's.", "", func(set func(string, float64)) {
		set("", i.keeper.Ring().ClockOffset().Seconds())
	})
	i.metrics.Sampled("signet_logout_notice_overdue_seconds", "For how long the client that fails longest hasn't heard of the end of a session; 0: all answer.", "", func(set func(string, float64)) {
		set("", i.notifier.Overdue().Seconds())
	})
	i.metrics.Sampled("signet_status_bits", "Ended sessions in the published status lists.", "", func(set func(string, float64)) {
		total := int64(0)
		for _, n := range i.bits.Numbers() {
			v, _ := i.bits.Version(n)
			total += v
		}
		set("", float64(total))
	})
}

func (i *Issuer) measureKeys() {
	i.metrics.Sampled("signet_key_age_seconds", "Since when the signing key signs, by algorithm.", "alg", func(set func(string, float64)) {
		now := i.now()
		for _, s := range i.keeper.Ring().Status(now) {
			if s.KID != "" {
				set(string(s.Alg), now.Sub(s.Since).Seconds())
			}
		}
	})
	i.metrics.Sampled("signet_key_next_step_seconds", "Until the signing key changes by itself, by algorithm.", "alg", func(set func(string, float64)) {
		now := i.now()
		for _, s := range i.keeper.Ring().Status(now) {
			if !s.Next.IsZero() {
				set(string(s.Alg), s.Next.Sub(now).Seconds())
			}
		}
	})
}
