package main

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"github.com/signet-oidc/signet/issuer"
)

var update = flag.Bool("update", false, "write the settings table into the README")

// Every field is a setting, in the order of the struct: config and the table go by that.
func TestKnownSettings(t *testing.T) {
	fields := reflect.TypeFor[issuer.Settings]()
	if len(known()) != fields.NumField() {
		t.Fatalf("%d settings of %d fields", len(known()), fields.NumField())
	}
	for i, st := range known() {
		want := strings.ToLower(fields.Field(i).Name)
		if got := strings.ReplaceAll(st.Name, "-", ""); got != want {
			t.Errorf("setting %d is %s, want %s", i, got, want)
		}
		if st.Help == "" {
			t.Errorf("%s has no help", st.Name)
		}
		if st.Default != "" && st.check(st.Default) != nil {
			t.Errorf("%s: its default is refused: %v", st.Name, st.check(st.Default))
		}
	}
}

func TestNamesOfSettings(t *testing.T) {
	for name, want := range map[string][2]string{
		"redis-url":    {"SIGNET_REDIS_URL", "redis_url"},
		"access-ttl":   {"SIGNET_ACCESS_TTL", "access_ttl"},
		"jwks-max-age": {"SIGNET_JWKS_MAX_AGE", "jwks_max_age"},
		"cors-origins": {"SIGNET_CORS_ORIGINS", "cors_origins"},
		"data-dir":     {"SIGNET_DATA_DIR", "data_dir"},
		"seal-key":     {"SIGNET_SEAL_KEY", "seal_key"},
	} {
		st, ok := settingNamed(name)
		if !ok || st.env() != want[0] || st.key() != want[1] {
			t.Errorf("%s: %v, want %v", name, st, want)
		}
	}
}

const (
	tableBegin = "<!-- settings:begin -->\n"
	tableEnd   = "<!-- settings:end -->"
)

// The README's table is the one that `signet config --table` prints.
func TestReadmeTable(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Log("there is no README yet")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), tableBegin)
	got, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("README.md has no %s … %s", strings.TrimSpace(tableBegin), tableEnd)
	}
	var want strings.Builder
	if err := writeTable(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+tableBegin+want.String()+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("README.md: go test ./cmd/signet -run TestReadmeTable -update writes it anew (-want +got):\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"SIGNET_ADDR", "SIGNET_ADMIN_ADDR", "SIGNET_AUDIENCE", "SIGNET_REDIS_URL"}
	for given, want := range map[string]string{
		"SIGNET_AUDIENCES": "SIGNET_AUDIENCE",
		"SIGNET_ADR":       "SIGNET_ADDR",
		"SIGNET_REDISURL":  "SIGNET_REDIS_URL",
		"SIGNET_REDIS":     "SIGNET_REDIS_URL",
		"":                 "SIGNET_ADDR",
	} {
		if got := nearest(given, names); got != want {
			t.Errorf("nearest to %q is %s, want %s", given, got, want)
		}
	}
	if got := nearest(strings.Repeat("x", 1<<20), names); got == "" {
		t.Error("nothing is nearest to a long name")
	}
}

func TestShortDuration(t *testing.T) {
	for given, want := range map[string]string{
		"15m": "15m", "168h": "168h", "90s": "1m30s", "1h30m": "1h30m", "10s": "10s", "10m10s": "10m10s", "1500ms": "1.5s", "20h0m20s": "20h0m20s", "0s": "0s",
	} {
		st, _ := settingNamed("access-ttl")
		if err := st.check(given); err != nil {
			t.Fatal(err)
		}
		if got := shortDuration(duration(t, given)); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	database, _ := settingNamed("database-url")
	seal, _ := settingNamed("seal-key")
	for name, c := range map[string]struct {
		st         setting
		text, want string
	}{
		"nothing":              {database, "", ""},
		"a file":               {database, "sqlite:/var/lib/signet.db", "sqlite:/var/lib/signet.db"},
		"a password":           {database, "postgres://u:hunter2@h/d?sslmode=verify-full&password=hunter2", "postgres://redacted@h/d"},
		"what can't be parsed": {database, "postgres://u:hunter2%zz@h", "[redacted]"},
		"an opaque one":        {database, "postgres:hunter2", "[redacted]"},
		"a seal key":           {seal, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "[f5ec9c3d2b0b]"},
		"no seal key":          {seal, "hunter2", "[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			got := redact(c.st, c.text)
			if name == "a seal key" { // its fingerprint, whatever it is
				if len(got) != len(c.want) || strings.Contains(c.text, strings.Trim(got, "[]")) {
					t.Errorf("%s", got)
				}
				return
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// FuzzSettings reads any YAML and any .env: no panic, what was accepted is of its type, and no error repeats a secret.
func FuzzSettings(f *testing.F) {
	f.Add([]byte("issuer: https://auth.example.com\naccess_ttl: 15m\naudience: [https://a.example, https://b.example]\n"), []byte("SIGNET_ADDR=:80\n"))
	f.Add([]byte("seal_key: hunter2canary\nlogin_rate: 10/m\n"), []byte("SIGNET_SEAL_KEY=\"hunter2canary\"\nexport SIGNET_BCRYPT_COST=12\n"))
	f.Add([]byte("a: &a [*a]\n"), []byte("SIGNET_SEAL_KEY_FILE=x\nSIGNET_SEAL_KEY='hunter2canary'"))
	f.Add([]byte("--- {}\n--- {}\n"), []byte("A=${B}\nB=$A\n"))
	f.Add([]byte("? [a, b]\n: c\n"), []byte("=\n\x00"))
	f.Add([]byte("database_url: postgres://u:hunter2canary@h/d\nseal_key_file: x\nfrob: 1"), []byte("SIGNET_FROB=hunter2canary"))
	f.Fuzz(func(t *testing.T, file, dotenv []byte) {
		s := &sources{origin: map[string]string{}, readFile: func(string, int64) ([]byte, error) { return []byte("hunter2canary\n"), nil }}
		fromFile, errs := s.parseYAML(file, "signet.yaml")
		s.errs = append(s.errs, errs...)
		layers := []layer{fromFile}
		if vars, err := godotenv.UnmarshalBytes(dotenv); err == nil {
			l, errs := s.variables(vars, " in .env")
			layers, s.errs = append(layers, l), append(s.errs, errs...)
		}
		for _, l := range layers {
			checkLayer(t, s, l)
		}
	})
}

func checkLayer(t *testing.T, s *sources, l layer) {
	t.Helper()
	for key, v := range l {
		st, _, ok := settingOfKey(key)
		if key == configKey {
			continue
		}
		if !ok {
			t.Fatalf("%s is no setting", key)
		}
		before := len(s.errs)
		text, taken := s.take(st, v).(string)
		if taken && st.check(text) != nil {
			t.Errorf("%s=%q was taken: %v", key, text, st.check(text))
		}
		if !taken && len(s.errs) == before {
			t.Errorf("%s was dropped without a word", key)
		}
		if err := s.err(); err != nil && st.secret() && len(v.text) > 12 && strings.Contains(err.Error(), v.text) {
			t.Errorf("the secret %s is in: %v", key, err)
		}
	}
}
func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
