package main

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const after = " S 1 42 42 0 -1 4194560 1500 0 0 0 123 77 5 6 20 0 9 0 1000"
	tests := []struct {
		name, stat string
		want       time.Duration // user and system, children not counted
		fails      bool
	}{
		{"plain", "42 (signet)" + after, 2 * time.Second, false},
		{"a name with spaces and parentheses", "42 (a) S (b 7)" + after, 2 * time.Second, false},
		{"cut", "42 (signet) S 1 42", 0, true},
		{"no name", "42", 0, true},
		{"not a number", strings.Replace("42 (signet)"+after, "123", "x", 1), 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseStat(tt.stat)
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("parseStat = %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestOwnCPUGrows(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("CPU time is read from Linux's /proc")
	}
	own := []int{os.Getpid()}
	before, err := cpuOf(own)
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < 10*time.Second; {
		after, err := cpuOf(own)
		if err != nil {
			t.Fatal(err)
		}
		if after[0] >= before[0]+2*tick {
			return
		}
	}
	t.Error("a busy process used no CPU in 10 s")
}
