package limit

import (
	"encoding/json"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	tests := []struct {
		text string
		want Rate // zero: an error
	}{
		{"10/m", Rate{10, time.Minute}},
		{"1/s", Rate{1, time.Second}},
		{"1000000/h", Rate{1_000_000, time.Hour}},
		{"", Rate{}},
		{"10", Rate{}},
		{"/m", Rate{}},
		{"10/", Rate{}},
		{"10/d", Rate{}},
		{"10/M", Rate{}},
		{"10/min", Rate{}},
		{"0/m", Rate{}},
		{"-1/m", Rate{}},
		{"+1/m", Rate{}},
		{"1.5/m", Rate{}},
		{"1_000/m", Rate{}},
		{"0x10/m", Rate{}},
		{"1000001/m", Rate{}},
		{"99999999999999999999/m", Rate{}},
		{" 10/m", Rate{}},
		{"10 /m", Rate{}},
		{"10/m ", Rate{}},
		{"10/m/s", Rate{}},
		{"١٠/m", Rate{}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseRate(tt.text)
			if got != tt.want || (err == nil) != (tt.want != Rate{}) {
				t.Errorf("ParseRate(%q) = %v, %v", tt.text, got, err)
			}
			if err == nil && got.String() != tt.text {
				t.Errorf("String = %q, want %q", got, tt.text)
			}
		})
	}
	if s := (Rate{3, 2 * time.Minute}).String(); s != "3 in 2m0s" {
		t.Errorf("String of a rate that ParseRate can't read = %q", s)
	}
}

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"10/m", "1/s", "1000000/h", "+1/m", "0/m", "1_0/m", "10/m/s", "007/m"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			if r != (Rate{}) {
				t.Errorf("ParseRate(%q) = %v with %v", text, r, err)
			}
			return
		}
		if r.Count < 1 || r.Count > maxCount || r.Interval() < time.Microsecond {
			t.Errorf("ParseRate(%q) = %v", text, r)
		}
		if again, err := ParseRate(r.String()); err != nil || again != r {
			t.Errorf("%q is read as %v, %v", r, again, err)
		}
	})
}

func TestRateAsText(t *testing.T) {
	var settings struct{ Login Rate }
	if err := json.Unmarshal([]byte(`{"Login":"10/m"}`), &settings); err != nil || settings.Login != (Rate{10, time.Minute}) {
		t.Fatalf("read %v, %v", settings.Login, err)
	}
	if text, err := json.Marshal(settings); err != nil || string(text) != `{"Login":"10/m"}` {
		t.Errorf("written as %s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"Login":"10/day"}`), &settings); err == nil {
		t.Error("10/day is taken")
	}
}
