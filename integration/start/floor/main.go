// Command floor does what a start of signet can't do without, and no more: it
// is what the times of a start are measured against, on the same machine in the
// same minute.
//
//	floor serve ADDR DATABASE    reads from an SQLite database that exists, listens
//	floor dev ADDR DATABASE      makes one, keys and password hashes, listens
//
// It answers every request with 200, and ends by SIGTERM. It owns no test.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/crypto/bcrypt"
	_ "modernc.org/sqlite"
)

// What `signet dev` makes on an empty directory: a signing and a standby key of
// each algorithm, and two people.
const (
	keysEach = 2
	rsaBits  = 2048
	people   = 2
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: floor serve|dev ADDR DATABASE")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := query(args[2]); err != nil {
		return err
	}
	if args[0] == "dev" {
		if err := furnish(); err != nil {
			return err
		}
	}
	server := &http.Server{Addr: args[1], Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { <-ctx.Done(); _ = server.Close() }()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func query(path string) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables int
	return db.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&tables)
}

func furnish() error {
	for range keysEach {
		if _, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return err
		}
		if _, err := rsa.GenerateKey(rand.Reader, rsaBits); err != nil {
			return err
		}
	}
	for range people {
		if _, err := bcrypt.GenerateFromPassword([]byte("password123"), bcrypt.MinCost+6); err != nil {
			return err
		}
	}
	return nil
}
