package session

import (
	"strings"
	"testing"
)

func TestAgentOf(t *testing.T) {
	long := strings.Repeat("a", maxAgent)
	for name, c := range map[string]struct{ header, want string }{
		"none":           {"", ""},
		"as it is":       {`Mozilla/5.0 (X11; "x"~)`, `Mozilla/5.0 (X11; "x"~)`},
		"not printable":  {"a\tb\x00c\x7f\nd", "abcd"},
		"not ASCII":      {"caf\u00e9 \u202e\xff", "caf "},
		"as long as may": {long, long},
		"longer":         {"\x01" + long + "b", long},
	} {
		if got := agentOf(c.header); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
