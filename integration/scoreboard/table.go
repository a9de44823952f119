package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/signet-oidc/signet/integration/behaviours"
)

// table is what was measured: results by row, then by column.
type table struct {
	libraries []behaviours.Library
	rows      []behaviours.Behaviour
	results   []behaviours.Result
}

func (t table) cell(row, column int) behaviours.Result {
	return t.results[row*len(t.libraries)+column]
}

// word is what stands in a cell.
func word(r behaviours.Result) string {
	switch {
	case r.NA:
		return "n.a."
	case r.Err != nil:
		return "FAIL"
	}
	return "ok"
}

var points = map[int]string{1: "tokens", 2: "keys", 3: "revocation"}

// print writes the table as aligned text, or as Markdown.
func (t table) print(w io.Writer, markdown bool) {
	lines := t.lines()
	widths := make([]int, len(t.libraries)+1)
	for _, line := range lines {
		for n, text := range line {
			widths[n] = max(widths[n], len([]rune(text)))
		}
	}
	for n, line := range lines {
		fmt.Fprintln(w, join(line, widths, markdown))
		if n == 0 && markdown {
			fmt.Fprintln(w, "|"+strings.Repeat(" --- |", len(line)))
		}
	}
}

func (t table) lines() [][]string {
	head := []string{"behaviour"}
	for _, l := range t.libraries {
		head = append(head, l.Name)
	}
	lines := [][]string{head}
	for row, b := range t.rows {
		line := []string{points[b.Point] + ": " + b.Name}
		for column := range t.libraries {
			line = append(line, word(t.cell(row, column)))
		}
		lines = append(lines, line)
	}
	return append(lines, t.totals())
}

// totals are rows that hold, of those that apply.
func (t table) totals() []string {
	line := []string{"holds, of those that apply"}
	for column := range t.libraries {
		holds, applies := 0, 0
		for row := range t.rows {
			switch word(t.cell(row, column)) {
			case "ok":
				holds++
				applies++
			case "FAIL":
				applies++
			}
		}
		line = append(line, fmt.Sprintf("%d/%d", holds, applies))
	}
	return line
}

func join(line []string, widths []int, markdown bool) string {
	if markdown {
		return "| " + strings.Join(line, " | ") + " |"
	}
	var b strings.Builder
	for n, text := range line {
		b.WriteString(text + strings.Repeat(" ", widths[n]-len([]rune(text))+2))
	}
	return strings.TrimRight(b.String(), " ")
}

// longest is how much of an error is printed.
const longest = 600

func (t table) explain(w io.Writer) {
	for _, r := range t.results {
		if r.Err != nil {
			text := strings.ReplaceAll(fmt.Sprintf("%.*s", longest, r.Err.Error()), "\n", "\n      ")
			fmt.Fprintf(w, "\n%s, %q:\n      %s\n", r.Library, r.Behaviour, text)
		}
	}
}

// holds says whether a library holds in every row of the table; one that isn't in
// the table does.
func (t table) holds(library string) bool {
	for _, r := range t.results {
		if r.Library == library && (r.NA || r.Err != nil) {
			return false
		}
	}
	return true
}
