package arrows

import (
	"fmt"
	"regexp"
	"strings"
)

// The README's table of specifications stands between these lines.
const (
	rfcsBegin = "<!-- rfcs:begin -->"
	rfcsEnd   = "<!-- rfcs:end -->"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// CheckRFCs returns a line for each row of the README's table of specifications that
// names a file which isn't there, or a test that the file beside it doesn't have. read
// returns a file of the repository, or the names in a folder.
func CheckRFCs(readme string, read func(path string) (string, error)) []string {
	_, table, ok := strings.Cut(readme, rfcsBegin)
	table, _, closed := strings.Cut(table, rfcsEnd)
	if !ok || !closed {
		return []string{"README.md has no table between " + rfcsBegin + " and " + rfcsEnd}
	}
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) < 3 {
		return []string{"README.md: the table of specifications is empty"}
	}
	var faults []string
	for _, row := range rows[2:] { // below the head
		faults = append(faults, checkRFC(row, read)...)
	}
	return faults
}

// checkRFC checks a row: specification, where it is, which test shows it. A test stands
// after its file.
func checkRFC(row string, read func(string) (string, error)) (faults []string) {
	cells := strings.Split(strings.Trim(row, "| "), " | ")
	if len(cells) != 3 {
		return []string{fmt.Sprintf("%.60q has not three cells", row)}
	}
	tests := 0
	for i, cell := range cells[1:] {
		var file, text string
		for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
			name := m[1]
			if !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") {
				content, err := read(name)
				file, text = name, content
				if err != nil {
					faults = append(faults, fmt.Sprintf("%s: %s isn't there", cells[0], name))
				}
				continue
			}
			tests += i
			if !strings.Contains(text, "func "+name+"(") {
				faults = append(faults, fmt.Sprintf("%s: %q has no %s", cells[0], file, name))
			}
		}
	}
	if tests == 0 {
		faults = append(faults, cells[0]+": no test shows it")
	}
	return faults
}
