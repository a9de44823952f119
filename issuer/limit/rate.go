package limit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is how many attempts are allowed in a time; as many may come at once.
type Rate struct {
	Count int
	Per   time.Duration
}

// maxCount keeps the interval at a microsecond or more, which is what stores
// count in.
const maxCount = 1_000_000

var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

// ParseRate reads "10/m": a count of 1 to 1,000,000 by s, m or h.
func ParseRate(s string) (Rate, error) {
	count, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(count, 10, 32) // takes no sign
	per, ok := units[unit]
	if err != nil || !ok || n < 1 || n > maxCount {
		return Rate{}, fmt.Errorf("rate %.40q: write a count and /s, /m or /h, as in 10/m", s)
	}
	return Rate{Count: int(n), Per: per}, nil
}

// String is the form that ParseRate reads.
func (r Rate) String() string {
	for unit, per := range units {
		if r.Per == per {
			return strconv.Itoa(r.Count) + "/" + unit
		}
	}
	return fmt.Sprintf("%d in %v", r.Count, r.Per)
}

// Interval is the time after which one more attempt is allowed.
func (r Rate) Interval() time.Duration { return r.Per / time.Duration(r.Count) }

// UnmarshalText reads what ParseRate reads.
func (r *Rate) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRate(string(b))
	return err
}

// MarshalText writes what ParseRate reads.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
