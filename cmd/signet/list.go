package main

// page is how lists are cut.
type page struct {
	After string `placeholder:"ID" help:"Begin after this id."`
	Limit int    `default:"1000" help:"List so many at most: 1 to 100000."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (p page) check() error { return checkLimit(p.Limit) }

func checkLimit(limit int) error {
	if limit < 1 || limit > 100_000 {
		return usageError("--limit must be 1 to 100000")
	}
	return nil
}

// chunk is how many are asked of the store at once.
const chunk = 500

// collect reads pages until there are limit, or no more.
func collect[T any, ID ~string](p page, of func(T) ID, list func(after ID, limit int) ([]T, error)) ([]T, error) {
	out, after := []T{}, ID(p.After)
	for len(out) < p.Limit {
		want := min(chunk, p.Limit-len(out))
		some, err := list(after, want)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
		if len(some) < want {
			break
		}
		after = of(some[len(some)-1])
	}
	return out, nil
}
