package account

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestPolicyCheck(t *testing.T) {
	none := Policy{Blocklist: NoBlocklist}
	tests := []struct {
		name     string
		policy   Policy
		password string
		want     error
	}{
		{"a good one", Policy{}, "a crow on the wire", nil},
		{"empty", Policy{}, "", ErrTooShort},
		{"seven characters", none, "abcdefg", ErrTooShort},
		{"eight characters", none, "abcdefgh", nil},
		{"seven characters of 14 bytes", none, "ééééééé", ErrTooShort},
		{"eight characters of 16 bytes", none, "éééééééé", nil},
		{"72 bytes", none, strings.Repeat("x", 72), nil},
		{"73 bytes", none, strings.Repeat("x", 73), ErrTooLong},
		{"37 characters of 74 bytes", none, strings.Repeat("é", 37), ErrTooLong},
		{"NUL inside", none, "abcd\x00efgh", ErrNUL},
		{"NUL at the end", none, "abcdefgh\x00", ErrNUL},
		{"NUL beyond the 72nd byte", none, strings.Repeat("x", 80) + "\x00", ErrNUL},
		{"common", Policy{}, "password123", ErrCommon},
		{"common in capitals", Policy{}, "PassWord123", ErrCommon},
		{"common, taken by dev", none, "password123", nil},
		{"common and too short", Policy{}, "123456", ErrTooShort},
		{"common where six are enough", Policy{Min: 6}, "123456", ErrCommon},
		{"a longer minimum", Policy{Min: 20}, "a crow on the wire", ErrTooShort},
		{"a list of one's own", Policy{Blocklist: func(p string) bool { return p == "signetsignet" }}, "signetsignet", ErrCommon},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.policy.Check(tt.password); !errors.Is(err, tt.want) {
				t.Errorf("Check(%q) = %v, want %v", tt.password, err, tt.want)
			}
		})
	}
}

func TestCommonListIsTheOneStated(t *testing.T) {
	source, err := os.ReadFile("blocklist.go")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(commonPasswords)
	if !strings.Contains(string(source), "sha256 "+hex.EncodeToString(sum[:])) {
		t.Error("the embedded list isn't the one whose sha256 blocklist.go states")
	}
	if n := len(commonList()); n != 19640 {
		t.Errorf("%d passwords, want 19640", n)
	}
	long := 0
	for word := range commonList() {
		if word != strings.ToLower(word) {
			t.Errorf("%q is never found: it isn't in lower case", word)
		}
		if len(word) >= DefaultPasswordMin {
			long++
		}
	}
	if long != 8359 {
		t.Errorf("%d of 8 characters or more, want 8359", long)
	}
}
