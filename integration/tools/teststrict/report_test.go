package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const (
		pass = `{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":2.5}
`
		skip = `{"Action":"output","Package":"p","Test":"TestS","Output":"    s_test.go:3: no server\n"}
{"Action":"skip","Package":"p","Test":"TestS"}
`
		fail = `{"Action":"output","Package":"p","Test":"TestF","Output":"    f_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestF"}
`
		ok = `{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
		bad = `{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`
		none = `{"Action":"output","Package":"p","Output":"?   \tp\t[no test files]\n"}
{"Action":"skip","Package":"p"}
`
		died = `{"Action":"output","Package":"p","Test":"TestP","Output":"panic: oh\n"}
` + bad
		build = `{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`
	)
	tests := []struct {
		name, events string
		want         string // of the error
		shows, hides string
		counts       string
	}{
		{"green", pass + ok, "<nil>", "ok  \tp\t0.1s\nslow:    2.5s p TestA\n", "noise", "1 passed, 0 failed, 0 skipped"},
		{"a skip", pass + skip + ok, "1 skipped, and in this run a skip is a failure", "skipped: p TestS\n    s_test.go:3: no server\n", "noise", "1 passed, 0 failed, 1 skipped"},
		{"a failure", pass + fail + bad, "1 failed", "got 1, want 2", "noise", "1 passed, 1 failed, 0 skipped"},
		{"a panic", pass + died, "1 failed", "panic: oh", "noise", "1 passed, 1 failed, 0 skipped"},
		{"a broken build", build, "1 failed", "undefined: x", "", "0 passed, 1 failed, 0 skipped"},
		{"no test files are no skip", none + pass + ok, "<nil>", "[no test files]", "", "1 passed, 0 failed, 0 skipped"},
		{"no test ran", none, "no test ran", "", "", "0 passed, 0 failed, 0 skipped"},
		{"a line that is no event", "go: oh dear\n" + pass + ok, "<nil>", "go: oh dear\n", "", "1 passed, 0 failed, 0 skipped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(tt.events)); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(r.finish()); got != tt.want {
				t.Errorf("finish() = %s, want %s", got, tt.want)
			}
			if !strings.Contains(out.String(), tt.shows) {
				t.Errorf("the report lacks %q:\n%s", tt.shows, &out)
			}
			if tt.hides != "" && strings.Contains(out.String(), tt.hides) {
				t.Errorf("the report shows %q:\n%s", tt.hides, &out)
			}
			if !strings.HasSuffix(out.String(), tt.counts+"\n") {
				t.Errorf("the report doesn't end with %q:\n%s", tt.counts, &out)
			}
		})
	}
}
