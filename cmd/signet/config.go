package main

import (
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/signet-oidc/signet/keys/secret"
)

type configCmd struct {
	settingsFlags
	JSON  bool `name:"json" help:"Print JSON."`
	Table bool `help:"Print the table of all settings for the README, in Markdown."`
}

// effective is one setting as it is in effect.
type effective struct {
	Setting string `json:"setting"`
	Value   string `json:"value"`  // secrets are redacted
	Source  string `json:"source"` // "default", or what gave it: a flag, a variable, a line of a file
}

// Run prints the settings, and fails where they contradict each other.
func (c *configCmd) Run(a *app) error {
	if c.Table {
		return writeTable(a.stdout)
	}
	if err := c.print(a); err != nil {
		return err
	}
	return c.Settings.Validate()
}

func (c *configCmd) print(a *app) error {
	list := c.effective(a.sources.origin)
	if c.JSON {
		return writeJSON(a.stdout, list)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, e := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", e.Setting, e.Value, e.Source) // Flush has the error
	}
	return w.Flush()
}

func (c *configCmd) effective(origin map[string]string) []effective {
	fields := reflect.ValueOf(c.Settings)
	var list []effective
	for i, st := range known() {
		e := effective{st.key(), text(fields.Field(i)), "default"}
		if st.secret() {
			e.Value = redact(st, e.Value)
		}
		if from := origin[st.key()]; from != "" {
			e.Source = from
		}
		list = append(list, e)
	}
	return list
}

// text is a value as one would write it as a setting.
func text(v reflect.Value) string {
	if list, ok := v.Interface().([]string); ok {
		return strings.Join(list, ",")
	}
	if v.IsZero() && v.Kind() != reflect.Bool {
		return ""
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return shortDuration(d)
	}
	return fmt.Sprint(v.Interface())
}

// shortDuration leaves out the zeros: 15m and not 15m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// redact keeps of a URL what tells one store from another, and of seal keys their fingerprints.
func redact(st setting, text string) string {
	switch {
	case text == "" || strings.HasPrefix(text, "sqlite:"):
		return text
	case st.IsSlice():
		return fingerprints(text)
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return secret.Redacted
	}
	if u.User != nil {
		u.User = url.User("redacted")
	}
	u.RawQuery, u.Fragment = "", "" // PostgreSQL takes a password as a parameter too
	return u.String()
}

func fingerprints(text string) string {
	sealKeys, err := secret.ParseSealKeys(text)
	if err != nil {
		return secret.Redacted
	}
	var marks []string
	for _, k := range sealKeys {
		marks = append(marks, "["+k.Fingerprint()+"]")
	}
	return strings.Join(marks, ",")
}

// writeTable prints the settings table of the README. It is made from the struct, so that a setting can't be missing.
func writeTable(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| environment | flag | default | what it is |\n| --- | --- | --- | --- |\n")
	for _, st := range known() {
		fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s |\n", st.env(), flagForm(st), code(st.Default), cell(st))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func flagForm(st setting) string {
	if st.Tag.Negatable != "" {
		return "[no-]" + st.Name
	}
	return st.Name
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func cell(st setting) string {
	help := strings.ReplaceAll(st.Help, "|", `\|`)
	if st.secret() {
		help += " Also `" + st.env() + fileSuffix + "`."
	}
	return help
}
