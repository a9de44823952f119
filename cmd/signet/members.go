package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// member is one member of what --json prints, for people: its name, with dots where it is within another, and its text.
type member struct{ name, text string }

// membersOf are the members of v's JSON, which is an object, in their order.
func membersOf(v any) ([]member, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return flattened(nil, "", raw)
}

func flattened(out []member, name string, raw json.RawMessage) ([]member, error) {
	if len(raw) == 0 || raw[0] != '{' {
		return append(out, member{name, orDash(cellOf(raw))}), nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the brace
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if out, err = flattened(out, strings.TrimPrefix(fmt.Sprintf("%s.%s", name, key), "."), value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cellOf is a value in one cell: texts as they are, lists of texts by comma, all else as JSON; nothing of what is empty.
func cellOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return printable(text)
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return printable(strings.Join(list, ","))
	}
	return printable(string(raw))
}

// printable quotes what would do more to a terminal or a table than be read.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// printMembers prints v as a table of its members.
func printMembers(a *app, v any) error {
	all, err := membersOf(v)
	if err != nil {
		return err
	}
	t := newTable(a.stdout, "FIELD", "VALUE")
	for _, m := range all {
		t.row(m.name, m.text)
	}
	return t.Flush()
}

// difference is a member that a change has changed.
type difference struct {
	Field string `json:"field"`
	Was   any    `json:"was"` // null: it was not there
	Is    any    `json:"is"`
}

// differencesOf are the members of two objects' JSON that differ, by name.
func differencesOf(was, is any) ([]difference, error) {
	old, err := decoded(was)
	if err != nil {
		return nil, err
	}
	next, err := decoded(is)
	if err != nil {
		return nil, err
	}
	out := []difference{}
	for name := range old {
		if _, there := next[name]; !there {
			next[name] = nil
		}
	}
	for name, value := range next {
		if !same(old[name], value) {
			out = append(out, difference{name, old[name], value})
		}
	}
	slices.SortFunc(out, func(a, b difference) int { return strings.Compare(a.Field, b.Field) })
	return out, nil
}

func decoded(v any) (all map[string]any, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(raw, &all)
}

func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func (d difference) cells() (field, was, is string) {
	cell := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil || v == nil {
			return "-"
		}
		return orDash(cellOf(raw))
	}
	return d.Field, cell(d.Was), cell(d.Is)
}
