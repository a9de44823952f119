package limit

// UnmarshalText reads what ParseRate reads.
func (r *Rate) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRate(string(b))
	return err
}

// MarshalText writes what ParseRate reads.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
