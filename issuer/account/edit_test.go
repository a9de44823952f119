package account

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/audit"
)

func to[T any](v T) *T { return &v }

// TestEditIsOneChange: all of it in one write, or nothing.
func TestEditIsOneChange(t *testing.T) {
	m := newMemory(ada())
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "cli"})
	s := service(t, m, &work{})
	u, ended, err := s.Edit(ctx, "usr_ada", Edit{
		Roles: &[]string{"reader"}, Disabled: to(true), Password: to("a hen on the fence"), EmailVerified: to(true), Profile: &Profile{Name: "Ada King"},
	})
	if err != nil || len(ended) != 1 || u.Version != 4 || m.saves != 1 || !cmp.Equal(u, m.users["usr_ada"]) {
		t.Fatalf("Edit = %+v, %v, %v after %d writes", u, ended, err, m.saves)
	}
	if !u.Disabled || !u.EmailVerified || u.Profile.Name != "Ada King" || !u.Profile.Updated.Equal(s.now()) {
		t.Errorf("Edit = %+v", u)
	}
	if e := m.events[0]; len(m.events) != 1 || e.Kind != audit.UserDisabled || e.Actor != "cli" ||
		!cmp.Equal(e.Detail, map[string]string{"roles": "reader", "email_verified": "true", "profile": "changed", "password": "changed"}) {
		t.Errorf("events %+v", m.events)
	}
	before := m.users["usr_ada"]
	for name, tt := range map[string]struct {
		edit Edit
		want error
	}{
		"a bad role":     {Edit{Profile: &Profile{Name: "x"}, Disabled: to(false), Roles: &[]string{"a b"}}, ErrRole},
		"a bad password": {Edit{Roles: &[]string{"x"}, EmailVerified: to(false), Password: to("short")}, ErrTooShort},
		"a bad profile":  {Edit{Roles: &[]string{"x"}, Disabled: to(false), Profile: &Profile{Picture: "javascript:alert(1)"}}, ErrProfile},
	} {
		if _, _, err := s.Edit(ctx, "usr_ada", tt.edit); !errors.Is(err, tt.want) || !cmp.Equal(m.users["usr_ada"], before) || len(m.events) != 1 {
			t.Errorf("%s: %v, %+v", name, err, m.users["usr_ada"])
		}
	}
}

func TestEditKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		edit Edit
		kind audit.Kind // empty: nothing happens
		end  Ending
	}{
		"nothing":             {Edit{}, "", Ending{}},
		"what is so":          {Edit{Roles: &[]string{}, Disabled: to(false), EmailVerified: to(false), Profile: &Profile{}}, "", Ending{}},
		"an address verified": {Edit{EmailVerified: to(true)}, audit.UserChanged, Ending{}},
		"a profile":           {Edit{Profile: &Profile{Locale: "en"}}, audit.UserChanged, Ending{}},
		"a password, a role":  {Edit{Password: to(crow), Roles: &[]string{"x"}}, audit.PasswordChanged, Ending{Logins: true, Reason: ReasonPassword}},
		"disabled, a role":    {Edit{Disabled: to(true), Roles: &[]string{"x"}}, audit.UserDisabled, Ending{Logins: true, Reason: ReasonDisabled}},
	} {
		a := ada()
		a.Roles = []string{}
		m := newMemory(a)
		_, _, err := service(t, m, &work{}).Edit(t.Context(), a.ID, tt.edit)
		if err != nil || (len(m.events) > 0) != (tt.kind != "") {
			t.Errorf("%s: %v, %+v", name, err, m.events)
		}
		if tt.kind != "" && (m.events[0].Kind != tt.kind || m.ends[0] != tt.end) {
			t.Errorf("%s: %+v, %+v", name, m.events, m.ends)
		}
	}
}

// TestProfileUpdated: when it was changed is ours to say, and the same again is no change.
func TestProfileUpdated(t *testing.T) {
	m := newMemory()
	s := service(t, m, &work{})
	lie := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	u, err := s.Create(t.Context(), NewUser{Email: "ada@example.com", Password: crow, EmailVerified: true, Profile: Profile{Name: "Ada", Address: &Address{Country: "UK"}, Updated: lie}})
	if err != nil || !u.EmailVerified || u.Profile.Name != "Ada" || !u.Profile.Updated.Equal(u.Created) {
		t.Fatalf("Create = %+v, %v", u, err)
	}
	if _, _, err := s.Edit(t.Context(), u.ID, Edit{Profile: &Profile{Name: "Ada", Address: &Address{Country: "UK"}, Updated: lie}}); err != nil || m.saves != 0 {
		t.Errorf("the same again: %v after %d writes", err, m.saves)
	}
	if plain, err := s.Create(t.Context(), NewUser{Email: "bob@example.com", Password: crow}); err != nil || plain.Profile != (Profile{}) {
		t.Errorf("without a profile: %+v, %v", plain, err)
	}
}

func TestProfileCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		profile Profile
		claim   string // empty: taken
	}{
		"nothing": {Profile{}, ""},
		"all of it": {Profile{
			Name: "Ada Lovelace, Zoë – 应用", GivenName: "Ada", FamilyName: "Lovelace", MiddleName: "King", Nickname: "A", PreferredUsername: "ada",
			Page: "https://ada.example/", Picture: "https://ada.example/a.png?s=1", Website: "https://ada.example:8443/b", Gender: "female", Birthdate: "1815-12-10",
			Zoneinfo: "America/Argentina/Buenos_Aires", Locale: "zh-Hant-TW", Phone: "+442083661177", PhoneVerified: true,
			Address: &Address{Formatted: "12 St James's Square\nLondon\r\nUK", Street: "12 St James's Square\nFlat 1", Locality: "London", Region: "Middlesex", PostalCode: "SW1Y", Country: "UK"},
		}, ""},
		"a date without its year": {Profile{Birthdate: "0000-02-29"}, ""},
		"a year":                  {Profile{Birthdate: "1815"}, ""},
		"a locale of old":         {Profile{Locale: "en_US"}, ""},
		"a phone's extension":     {Profile{Phone: "+16045551234;ext=5678"}, ""},
		"a zone of one part":      {Profile{Zoneinfo: "UTC"}, ""},

		"a long name":             {Profile{Name: strings.Repeat("é", 201)}, "name"},
		"a name of two lines":     {Profile{Name: "Ada\nadmin"}, "name"},
		"a name that turns":       {Profile{GivenName: "A\u202ea"}, "given_name"},
		"bad UTF-8":               {Profile{FamilyName: "A\xff"}, "family_name"},
		"NUL":                     {Profile{Nickname: "A\x00"}, "nickname"},
		"a script for a picture":  {Profile{Picture: "javascript:alert(1)"}, "picture"},
		"http":                    {Profile{Website: "http://ada.example"}, "website"},
		"no host":                 {Profile{Page: "https://"}, "profile"},
		"user information":        {Profile{Page: "https://a@ada.example"}, "profile"},
		"a quote in a URL":        {Profile{Picture: `https://ada.example/"onerror="`}, "picture"},
		"a long URL":              {Profile{Picture: "https://ada.example/" + strings.Repeat("x", 1024)}, "picture"},
		"30 February":             {Profile{Birthdate: "1815-02-30"}, "birthdate"},
		"a day in another order":  {Profile{Birthdate: "10.12.1815"}, "birthdate"},
		"a time":                  {Profile{Birthdate: "1815-12-10T00:00:00Z"}, "birthdate"},
		"a path for a zone":       {Profile{Zoneinfo: "../etc/passwd"}, "zoneinfo"},
		"a zone of many parts":    {Profile{Zoneinfo: "a/b/c/d"}, "zoneinfo"},
		"a locale of one letter":  {Profile{Locale: "e"}, "locale"},
		"a locale in words":       {Profile{Locale: "British English"}, "locale"},
		"a local phone number":    {Profile{Phone: "020 8366 1177"}, "phone_number"},
		"too many digits":         {Profile{Phone: "+1234567890123456"}, "phone_number"},
		"a number that begins 0":  {Profile{Phone: "+0442083661177"}, "phone_number"},
		"verified, but none":      {Profile{PhoneVerified: true}, "phone_number_verified"},
		"a country of two lines":  {Profile{Address: &Address{Country: "U\nK"}}, "address.country"},
		"a long address":          {Profile{Address: &Address{Formatted: strings.Repeat("x\n", 251)}}, "address.formatted"},
		"a control in an address": {Profile{Address: &Address{Street: "a\x1b[2J"}}, "address.street_address"},
	} {
		err := tt.profile.Check()
		if tt.claim == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		e, _ := errors.AsType[*ProfileError](err)
		if e == nil || e.Claim != tt.claim || e.Reason == "" || !errors.Is(err, ErrProfile) {
			t.Errorf("%s: %v, want %s", name, err, tt.claim)
		}
	}
}
