package main

import (
	"cmp"
	"slices"
)

// nearest returns the candidate with the fewest edits to name (Levenshtein); of several, the one that begins most like
// it, so that SIGNET_REDIS leads to SIGNET_REDIS_URL.
func nearest(name string, candidates []string) string {
	const longest = 64 // a longer name is nobody's misspelling
	if len(name) > longest {
		name = name[:longest]
	}
	return slices.MinFunc(candidates, func(a, b string) int {
		return cmp.Or(cmp.Compare(edits(name, a), edits(name, b)), cmp.Compare(shared(name, b), shared(name, a)))
	})
}

// shared is the length of the common beginning.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
