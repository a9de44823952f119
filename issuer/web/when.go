package web

import "time"

// When is how long ago something was: in minutes and hours, which need no time zone,
// and then by its day.
func (t texts) When(at, now time.Time) string {
	switch ago := now.Sub(at); {
	case ago < time.Minute:
		return t.T("when.now")
	case ago < time.Hour:
		return t.T("when.minutes", "n", int(ago/time.Minute))
	case ago < 24*time.Hour:
		return t.T("when.hours", "n", int(ago/time.Hour))
	}
	return at.UTC().Format(t.T("when.day"))
}

// wait is how long to wait, rounded up: coming back earlier would be too early.
func (t texts) wait(d time.Duration) string {
	n, unit := int((d+time.Second-1)/time.Second), "seconds"
	if n >= 100 {
		n, unit = (n+59)/60, "minutes"
	}
	if n <= 1 {
		return t.T("wait." + unit + ".one")
	}
	return t.T("wait."+unit, "n", n)
}
