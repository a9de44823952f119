package sql

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/session"
)

// crashEnv names the database in the process that TestKill kills.
const crashEnv = "SIGNET_TEST_SQL_CRASH"

// TestKill kills a process in the middle of its rotations: what it had said is
// there, and the lock of the file is free.
func TestKill(t *testing.T) {
	if path := os.Getenv(crashEnv); path != "" {
		rotateForever(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "signet.db")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]uint32{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var sid string
		var generation uint32
		if _, err := fmt.Sscanf(lines.Text(), "rotated %s %d", &sid, &generation); err == nil {
			acknowledged[sid] = generation
		}
		if n == 300 {
			if _, err := LockFile(path); err == nil {
				t.Error("the lock of a running process was free")
			}
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	if len(acknowledged) == 0 {
		t.Fatal("the process rotated nothing")
	}
	release, err := LockFile(path)
	if err != nil {
		t.Fatalf("after the kill: %v", err)
	}
	defer release()
	recovered(t, path, acknowledged)
}

// recovered checks that no acknowledged rotation is lost; at most the one under way
// is there in addition.
func recovered(t *testing.T, path string, acknowledged map[string]uint32) {
	db := opened(t, Config{URL: "sqlite:" + path})
	for sid, generation := range acknowledged {
		var got uint32
		row := db.reader().QueryRowContext(t.Context(), `SELECT generation FROM generations WHERE session = $1`, sid)
		if err := row.Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got < generation || got > generation+1 {
			t.Errorf("session %s is at generation %d, acknowledged was %d", sid, got, generation)
		}
	}
}

func rotateForever(t *testing.T, path string) {
	if _, err := LockFile(path); err != nil {
		t.Fatal(err)
	}
	db := opened(t, Config{URL: "sqlite:" + path})
	g := db.Backend().Generations
	failed := make(chan error)
	for _, s := range begun(t, db, 8) {
		go func() {
			for {
				res, err := g.Rotate(t.Context(), session.Rotation{
					Session: s.Session, Generation: s.Generation, Client: "web", Key: 7, Idle: time.Hour, Window: time.Hour, Now: s.Answered,
				})
				if err != nil {
					failed <- err
					return
				}
				s = res.State
				fmt.Printf("rotated %s %d\n", s.Session, s.Generation)
			}
		}()
	}
	t.Fatal(<-failed)
}
