package account

import (
	"net/mail"
	"strings"
	"testing"
)

var emails = []struct {
	name  string
	email string
	want  bool
}{
	{"plain", "ada@example.com", true},
	{"capitals", "Ada@Example.COM", true},
	{"plus and dots", "ada.l+signet@mail.example.co.uk", true},
	{"odd but allowed", "o'hara!#$%&*/=?^_`{|}~-@example.com", true},
	{"no dot in the domain", "ada@localhost", true},
	{"digits", "1@1.example", true},
	{"other letters", "дарья@почта.рф", true},
	{"punycode", "ada@xn--80a1acny.xn--p1ai", true},
	{"64 bytes of local part", strings.Repeat("a", 64) + "@example.com", true},
	{"254 bytes", strings.Repeat("a", 63) + "@" + strings.Repeat(strings.Repeat("b", 62)+".", 3) + "c", true},

	{"empty", "", false},
	{"no at", "ada.example.com", false},
	{"no local part", "@example.com", false},
	{"no domain", "ada@", false},
	{"two ats", "ada@example.com@example.org", false},
	{"two addresses", "ada@example.com,bob@example.com", false},
	{"two addresses with a semicolon", "ada@example.com;bob@example.com", false},
	{"display name", "Ada <ada@example.com>", false},
	{"angle brackets", "<ada@example.com>", false},
	{"comment", "ada(me)@example.com", false},
	{"quoted", `"ada"@example.com`, false},
	{"quoted at", `"a@b"@example.com`, false},
	{"address literal", "ada@[127.0.0.1]", false},
	{"space inside", "ada l@example.com", false},
	{"space before", " ada@example.com", false},
	{"no-break space", "ada\u00a0l@example.com", false},
	{"line end", "ada@example.com\r\nBcc: all@example.com", false},
	{"NUL", "ada\x00@example.com", false},
	{"zero-width space", "ada\u200b@example.com", false},
	{"writing direction turned", "ada\u202e@example.com", false},
	{"bad UTF-8", "ada\xff@example.com", false},
	{"two dots", "ada..l@example.com", false},
	{"dot first", ".ada@example.com", false},
	{"dot last", "ada.@example.com", false},
	{"domain with two dots", "ada@example..com", false},
	{"domain with a dot at the end", "ada@example.com.", false},
	{"domain with a hyphen first", "ada@-example.com", false},
	{"domain with a hyphen last", "ada@example-.com", false},
	{"domain with an underscore", "ada@my_host.example", false},
	{"domain with a slash", "ada@example.com/x", false},
	{"65 bytes of local part", strings.Repeat("a", 65) + "@example.com", false},
	{"a label of 64 bytes", "ada@" + strings.Repeat("b", 64) + ".example", false},
	{"255 bytes", strings.Repeat("a", 64) + "@" + strings.Repeat(strings.Repeat("b", 62)+".", 3) + "c", false},
	{"64 bytes of capitals whose small letters have 96", strings.Repeat("Ⱥ", 32) + "@example.com", false},
	{"very long", strings.Repeat("a", 1<<16) + "@example.com", false},
}

func TestValidEmail(t *testing.T) {
	for _, tt := range emails {
		t.Run(tt.name, func(t *testing.T) {
			if got := ValidEmail(tt.email); got != tt.want {
				t.Errorf("ValidEmail(%.80q) = %v, want %v", tt.email, got, tt.want)
			}
		})
	}
}

func FuzzValidEmail(f *testing.F) {
	for _, tt := range emails {
		f.Add(tt.email)
	}
	f.Fuzz(func(t *testing.T, email string) {
		if !ValidEmail(email) {
			return
		}
		if len(email) > 254 || strings.ContainsAny(email, " \t\r\n\x00<>\"(),;\\") || strings.Count(email, "@") != 1 {
			t.Errorf("ValidEmail(%q)", email)
		}
		if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
			t.Errorf("%q is read as %v, %v", email, a, err)
		}
		// Who registers with an address must be found by it.
		if normal := NormalEmail(email); NormalEmail(normal) != normal || !ValidEmail(normal) {
			t.Errorf("the normal form %q of %q isn't one", normal, email)
		}
	})
}
