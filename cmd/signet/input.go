package main

import (
	"errors"
	"io"
)

// maxInput bounds what is read from standard input: a password, a token, a key.
const maxInput = 64 << 10

// readInput reads standard input and drops one line end.
func readInput(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxInput {
		return "", errors.New("standard input: more than 64 KiB")
	}
	return dropLineEnd(string(b)), nil
}

// passwordFlag takes passwords from standard input alone: an argument would show in the process list and the shell's
// history.
type passwordFlag struct {
	PasswordStdin bool `help:"Read the password from standard input; one line end at its end is dropped."`
}

func (f passwordFlag) read(r io.Reader) (string, error) {
	if !f.PasswordStdin {
		return "", usageError("give the password on standard input, with --password-stdin")
	}
	return readInput(r)
}
