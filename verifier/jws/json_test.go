package jws

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestReaderRefuses(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"empty", ``, "not a JSON value"},
		{"space only", " \n", "not a JSON value"},
		{"trailing value", `{} {}`, "data after"},
		{"trailing comma", `{"a":1,}`, "not a string"},
		{"trailing garbage", `{}x`, "data after"},
		{"trailing NUL", "{}\x00", "data after"},
		{"BOM", "\ufeff{}", "not a JSON value"},
		{"no colon", `{"a" 1}`, "without colon"},
		{"no comma", `{"a":1 "b":2}`, "without comma"},
		{"open object", `{"a":1`, "without comma"},
		{"open array", `[1`, "without comma"},
		{"array comma", `[1,]`, "not a JSON value"},
		{"leading comma", `[,1]`, "not a JSON value"},
		{"bare name", `{a:1}`, "not a string"},
		{"single quotes", `{'a':1}`, "not a string"},
		{"comment", `{/**/}`, "not a string"},
		{"member twice", `{"a":1,"a":1}`, "a member twice"},
		{"member twice by escape", `{"a":1,"\u0061":1}`, "a member twice"},
		{"member twice by case", `{"sub":1,"SUB":1}`, "a member twice"},
		{"member twice by folding", `{"sub":1,"ſub":1}`, "a member twice"},
		{"member twice by Kelvin", `{"Kid":1,"kid":1}`, "a member twice"},
		{"member twice far apart", `{` + members(40) + `,"m3":1}`, "a member twice"},
		{"member twice late", `{` + members(40) + `,"M39":1}`, "a member twice"},
		{"member twice inside", `{"x":[{"a":{"b":1,"b":2}}]}`, "a member twice"},
		{"empty name twice", `{"":1,"":2}`, "a member twice"},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", "invalid UTF-8"},
		{"overlong UTF-8", "[\"\xc0\xaf\"]", "invalid UTF-8"},
		{"encoded surrogate", "[\"\xed\xa0\x80\"]", "invalid UTF-8"},
		{"lone surrogate", `["\ud800"]`, "surrogate"},
		{"lone low surrogate", `["\udc00"]`, "surrogate"},
		{"surrogates reversed", `["\udc00\ud800"]`, "surrogate"},
		{"surrogate and letter", `["\ud800\u0041"]`, "surrogate"},
		{"short escape", `["\u12"]`, "hex"},
		{"hex with sign", `["\u+123"]`, "hex"},
		{"unknown escape", `["\x41"]`, "unknown escape"},
		{"escape at the end", `["\`, "without end"},
		{"newline in string", "[\"a\nb\"]", "control"},
		{"NUL in string", "[\"a\x00\"]", "control"},
		{"open string", `["a`, "without end"},
		{"33 levels", strings.Repeat("[", 33) + strings.Repeat("]", 33), "deeply"},
		{"a thousand open", strings.Repeat("[", 1000), "deeply"},
		{"wrong bracket", `[}`, "not a JSON value"},
		{"leading zero", `[01]`, "absurd number"},
		{"minus alone", `[-]`, "absurd number"},
		{"plus", `[+1]`, "not a JSON value"},
		{"point first", `[.5]`, "not a JSON value"},
		{"point last", `[1.]`, "absurd number"},
		{"exponent empty", `[1e]`, "absurd number"},
		{"exponent of four digits", `[1e1000]`, "absurd number"},
		{"number of 65 bytes", `[` + strings.Repeat("9", 65) + `]`, "absurd number"},
		{"number beyond a double", `[1e309]`, "absurd number"},
		{"hex number", `[0x10]`, "without comma"},
		{"NaN", `[NaN]`, "not a JSON value"},
		{"Infinity", `[-Infinity]`, "absurd number"},
		{"True", `[True]`, "not a JSON value"},
		{"nul", `[nul]`, "not a JSON value"},
		{"truex", `[truex]`, "without comma"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(c.text)
			r.Skip()
			err := r.End()
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one of %q", err, c.want)
			}
		})
	}
}

// members are n members by the names m0, m1, …
func members(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"m%d":%d`, i, i))
	}
	return strings.Join(all, ",")
}

func TestReaderTakes(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, ` false `, `0`, `-0`, `-1.5e+10`, `1E-999`, `""`, `"é\u00e9\ud83d\ude00\/\b\f\n\r\t\\\""`,
		`[]`, `{}`, "\t[ 1 ,\r\n2 ]", `{"a":{"a":{"a":[]}}}`, `{` + members(200) + `}`, `{"":0,"é":1,"e":2,"É1":3}`,
		strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat("9", 64),
	} {
		agree(t, text)
	}
}

// agree reads text with our reader, and where it takes it compares what it means
// with encoding/json's reading.
func agree(t *testing.T, text string) (took bool) {
	t.Helper()
	r := NewReader(text)
	got := tree(&r)
	if r.End() != nil {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var want any
	if err := d.Decode(&want); err != nil {
		t.Fatalf("we take what encoding/json refuses with %v: %q", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("we take trailing data: %q", text)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %v, encoding/json has %v", text, got, want)
	}
	skip := NewReader(text)
	if raw := skip.Raw(); raw != strings.TrimSpace(text) || skip.End() != nil {
		t.Fatalf("Raw of %q: %q, %v", text, raw, skip.Err())
	}
	return true
}

// tree reads a value into what encoding/json would make of it.
func tree(r *Reader) any {
	switch r.Kind() {
	case ObjectKind:
		out := map[string]any{}
		for m := r.Object(); m.Next(r); {
			name := m.Name
			out[name] = tree(r)
		}
		return out
	case ArrayKind:
		out := []any{}
		for a := r.Array(); a.Next(r); {
			out = append(out, tree(r))
		}
		return out
	case String:
		return r.String()
	case Number:
		return json.Number(r.Number())
	case Bool:
		return r.Bool()
	}
	r.Skip()
	return nil
}

// FuzzReader holds our reader against encoding/json: what we take it takes, and to
// both it means the same.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		`{"iss":"https://a.test","aud":["x","y"],"exp":1.5e9,"status":{"status_list":{"idx":1,"uri":"u"}}}`,
		`{"a":1,"A":2}`, `{"\u0061":"\ud83d\ude00"}`, `[1,-0,1e5,0.1]`, `{"a":[{"b":null}],"c":true}`, "[\"\xff\"]", `"\ud800"`, ` [ ] `, `1 2`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !agree(t, text) {
			return
		}
		// What we take has no second reading: no name occurs twice, in any case.
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &members) != nil {
			return
		}
		for a := range members {
			for b := range members {
				if a != b && strings.EqualFold(a, b) {
					t.Fatalf("two names but for case: %q %q", a, b)
				}
			}
		}
	})
}

func TestTime(t *testing.T) {
	cases := []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"1700000000", 1700000000, true}, {"1700000000.9", 1700000000, true}, {"1.7e9", 1700000000, true},
		{"253402300799", 253402300799, true}, {"253402300800", 0, false}, {"99999999999", 99999999999, true},
		{"-1", 0, false}, {"-0", 0, true}, {"1e300", 0, false}, {"9223372036854775808", 0, false}, {"18446744073709551616", 0, false},
		{`"1700000000"`, 0, false}, {"null", 0, false}, {"true", 0, false}, {"[1]", 0, false}, {"{}", 0, false},
	}
	for _, c := range cases {
		r := NewReader(c.text)
		got := r.Time()
		if err := r.End(); (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("Time(%s) = %d, %v", c.text, got, err)
		}
	}
}

func TestUint(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "131071": 131071, "9007199254740991": 1<<53 - 1} {
		r := NewReader(text)
		if got := r.Uint(); got != want || r.End() != nil {
			t.Errorf("Uint(%s) = %d, %v", text, got, r.Err())
		}
	}
	for _, text := range []string{"-1", "1.0", "1e3", "9007199254740992", `"1"`, "null"} {
		r := NewReader(text)
		if r.Uint(); !errors.Is(r.End(), ErrMalformed) {
			t.Errorf("Uint(%s): %v", text, r.Err())
		}
	}
}

func TestUnreadValuesAreSkipped(t *testing.T) {
	r := NewReader(`{"a":{"x":[1,2]},"b":[3,{"y":null}],"c":"z"}`)
	last := ""
	for m := r.Object(); m.Next(&r); {
		if m.Name == "c" {
			last = r.String()
		}
	}
	if err := r.End(); err != nil || last != "z" {
		t.Errorf("last = %q, %v", last, err)
	}
}

func TestReaderAllocatesNothing(t *testing.T) {
	text := `{"iss":"https://a.test","aud":["x","y"],"exp":1700000000,"status":{"status_list":{"idx":1,"uri":"u"}},"n":null}`
	if n := testing.AllocsPerRun(100, func() {
		r := NewReader(text)
		r.Skip()
		if r.End() != nil {
			t.Fatal(r.Err())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFolded(t *testing.T) {
	names := []string{"sub", "kid"}
	for name, want := range map[string]bool{"sub": false, "Sub": true, "SUB": true, "ſub": true, "Kid": true, "other": false, "Other": false} {
		if got := Folded(name, names); got != want {
			t.Errorf("Folded(%q) = %v", name, got)
		}
	}
}
