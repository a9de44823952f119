package main

import (
	"maps"
	"slices"
)

// nearest returns the candidate with the fewest edits to name (Levenshtein).
func nearest(name string, candidates []string) string {
	const longest = 64 // a longer name is nobody's misspelling
	if len(name) > longest {
		name = name[:longest]
	}
	best, fewest := "", -1
	for _, c := range candidates {
		if n := edits(name, c); fewest < 0 || n < fewest {
			best, fewest = c, n
		}
	}
	return best
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

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func contains(list []string, s string) bool { return slices.Contains(list, s) }
