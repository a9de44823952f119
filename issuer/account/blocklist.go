package account

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the list of common passwords
	"errors"
	"fmt"
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

// maxBlocklist bounds a list once unpacked, in bytes: the whole is kept in
// memory.
const maxBlocklist = 64 << 20

// ErrBlocklist means that a list of passwords can't be used.
var ErrBlocklist = errors.New("unusable list of passwords")

var commonList = sync.OnceValue(func() map[string]struct{} {
	list, err := readBlocklist(bytes.NewReader(commonPasswords))
	if err != nil {
		panic("account: the embedded list of passwords: " + err.Error()) // a broken build
	}
	return list
})

// Common tells whether a password is among the 19,640 commonest (8,359 of
// them have the default least length), without regard to case. The list is unpacked
// at the first call.
func Common(password string) bool {
	_, found := commonList()[strings.ToLower(password)]
	return found
}

// ReadBlocklist reads passwords, one a line, plain or gzipped, as a Blocklist
// that compares without regard to case. It returns ErrBlocklist, wrapped, when
// there is none in it, when it is over 64 MiB, or when it can't be unpacked.
func ReadBlocklist(r io.Reader) (func(password string) bool, error) {
	list, err := readBlocklist(r)
	if err != nil {
		return nil, err
	}
	return func(password string) bool {
		_, found := list[strings.ToLower(password)]
		return found
	}, nil
}

func readBlocklist(r io.Reader) (map[string]struct{}, error) {
	text, err := unpack(r)
	if err != nil {
		return nil, err
	}
	list := make(map[string]struct{}, strings.Count(text, "\n"))
	for line := range strings.Lines(text) {
		if word := strings.TrimRight(line, "\r\n"); word != "" {
			list[word] = struct{}{}
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: nothing in it", ErrBlocklist)
	}
	return list, nil
}

// unpack returns the lower-cased text of a plain or gzipped list.
func unpack(r io.Reader) (string, error) {
	raw, err := bounded(r)
	if err != nil {
		return "", err
	}
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) { // RFC 1952 §2.3.1
		zr, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrBlocklist, err)
		}
		if raw, err = bounded(zr); err != nil {
			return "", err
		}
	}
	return strings.ToLower(string(raw)), nil
}

func bounded(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBlocklist+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBlocklist, err)
	}
	if len(raw) > maxBlocklist {
		return nil, fmt.Errorf("%w: over %d bytes", ErrBlocklist, maxBlocklist)
	}
	return raw, nil
}
