package start

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/signet-oidc/signet/integration/servers"
)

// TestRefused starts signet where it can't serve. Each start stops with status 1
// and says how to mend it; no secret is printed.
func TestRefused(t *testing.T) {
	tests := []struct {
		name   string
		config func(t *testing.T) servers.Config
		says   []string
	}{
		{"PostgreSQL of a newer schema", newerSchema, []string{"the database is of a newer signet: start that version or a newer one, or restore a backup"}},
		{"PostgreSQL and another seal key", anotherSealKey, []string{"can't be opened: it was sealed with seal key", "SIGNET_SEAL_KEY"}},
		{"PostgreSQL that isn't there", noPostgres, []string{"connection refused", "SIGNET_DATABASE_URL must name a PostgreSQL that runs"}},
		{"a database that isn't there", noDatabase, []string{"does not exist", "SIGNET_DATABASE_URL must name a PostgreSQL that runs, a database in it"}},
		{"Redis of another database", foreignRedis, []string{"this Redis belongs to another Signet database", "give each its own Redis"}},
		{"a file that is no database", noSQLite, []string{"signet.db", "not a database", "restore a backup, or move the file away"}},
		{"a data directory that nobody can make", noDirectory, []string{"name another by SIGNET_DATA_DIR or SIGNET_DATABASE_URL"}},
		{"several settings that contradict", contradictions, []string{
			"SIGNET_ISSUER: must be https", "SIGNET_REFRESH_TTL: is 1h0m0s", "SIGNET_TRUSTED_PROXIES: \"0.0.0.0/0\" trusts everybody", "SIGNET_CORS_ORIGINS: \"*\"",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := tt.config(t)
			if config.Env == nil {
				config.Env = map[string]string{}
			}
			if config.Env["SIGNET_SEAL_KEY"] == "" {
				config.Env["SIGNET_SEAL_KEY"] = sealKey
			}
			config.Env["SIGNET_KEY_ALGS"] = "ES256"
			r := servers.Run(t, config, "", "serve")
			if r.Code != 1 {
				t.Errorf("exit status %d, want 1", r.Code)
			}
			for _, want := range tt.says {
				if !strings.Contains(r.Stderr, want) {
					t.Errorf("it doesn't say %q:\n%s", want, r.Stderr)
				}
			}
			for _, never := range []string{config.Env["SIGNET_SEAL_KEY"], "hunter2", "goroutine ", `"message":"serving"`} {
				if strings.Contains(r.Stdout+r.Stderr, never) {
					t.Errorf("it prints %q:\n%s%s", never, r.Stdout, r.Stderr)
				}
			}
		})
	}
}

// made is a PostgreSQL database that a signet has served, or at least filled.
func made(t *testing.T) servers.Config {
	t.Helper()
	config := servers.Config{DatabaseURL: servers.Postgres(t), Env: map[string]string{"SIGNET_SEAL_KEY": sealKey, "SIGNET_KEY_ALGS": "ES256"}}
	servers.Signet(t, config).Stop()
	return config
}

func newerSchema(t *testing.T) servers.Config {
	config := made(t)
	db, err := sql.Open("pgx", config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // what was asked is answered
	if _, err := db.ExecContext(context.Background(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)"); err != nil {
		t.Fatal(err)
	}
	return config
}

func anotherSealKey(t *testing.T) servers.Config {
	config := made(t)
	config.Env["SIGNET_SEAL_KEY"] = servers.SealKey()
	return config
}

func noPostgres(t *testing.T) servers.Config {
	return servers.Config{DatabaseURL: "postgres://signet:hunter2@" + freeAddr(t) + "/signet"}
}

func noDatabase(t *testing.T) servers.Config {
	url := servers.Postgres(t)
	path, query, _ := strings.Cut(url, "?")
	return servers.Config{DatabaseURL: path + "_elsewhere?" + query + "&password=hunter2"}
}

// foreignRedis holds the state of another deployment: its sessions would be
// mixed with ours.
func foreignRedis(t *testing.T) servers.Config {
	redis := servers.Redis(t)
	config := made(t)
	servers.Signet(t, servers.Config{RedisURL: redis.URL, Env: config.Env}).Stop() // on SQLite
	config.RedisURL = redis.URL
	return config
}

func noSQLite(t *testing.T) servers.Config {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "signet.db"), []byte(strings.Repeat("This is a letter to my aunt.\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	return servers.Config{DataDir: dir}
}

// noDirectory is below a file: even root can make nothing there.
func noDirectory(t *testing.T) servers.Config {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return servers.Config{DataDir: t.TempDir(), Env: map[string]string{"SIGNET_DATA_DIR": filepath.Join(file, "data")}}
}

func contradictions(*testing.T) servers.Config {
	return servers.Config{Env: map[string]string{
		"SIGNET_ISSUER": "http://auth.example.com", "SIGNET_REFRESH_TTL": "1h", "SIGNET_SESSION_TTL": "30m",
		"SIGNET_TRUSTED_PROXIES": "0.0.0.0/0", "SIGNET_CORS_ORIGINS": "*",
	}}
}
