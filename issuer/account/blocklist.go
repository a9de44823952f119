package account

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the list of common passwords
	"io"
	"strings"
	"sync"
)

// commonPasswords is django/contrib/auth/common-passwords.txt.gz of Django
// 5.2.19 (PyPI), byte for byte: the commonest passwords of breaches, most frequent
// first, lower-cased, gathered by Royce Williams. Its BSD licence stands beside it.
// sha256 3c1baed62596de36860824eb3f436d5932d37ca8b06e59df78f5a44ec175afe4
//
//go:embed blocklist/common-passwords.txt.gz
var commonPasswords []byte

var commonList = sync.OnceValue(func() map[string]struct{} {
	zr, err := gzip.NewReader(bytes.NewReader(commonPasswords))
	if err != nil {
		panic("account: list of common passwords: " + err.Error()) // the build is broken
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		panic("account: list of common passwords: " + err.Error())
	}
	list := make(map[string]struct{}, bytes.Count(text, []byte{'\n'}))
	for line := range strings.Lines(string(text)) {
		list[strings.TrimSuffix(line, "\n")] = struct{}{}
	}
	return list
})

// Common tells whether a password is among the 19,640 commonest (8,359 of them
// have the default least length), without regard to case. The list is unpacked
// at the first call.
func Common(password string) bool {
	_, found := commonList()[strings.ToLower(password)]
	return found
}
