-- All times are whole milliseconds since 1970 UTC, but limits.tat (microseconds).
-- Lists are JSON text. The same tables and columns as in ../postgres.
-- +goose Up

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id             TEXT PRIMARY KEY,
  email          TEXT NOT NULL,
  email_norm     TEXT NOT NULL UNIQUE,
  email_verified INTEGER NOT NULL,
  roles          TEXT NOT NULL,
  disabled       INTEGER NOT NULL,
  password_hash  TEXT NOT NULL,
  version        INTEGER NOT NULL,
  created        INTEGER NOT NULL
) STRICT;

CREATE TABLE clients (
  id       TEXT PRIMARY KEY,
  document TEXT NOT NULL,
  version  INTEGER NOT NULL,
  created  INTEGER NOT NULL
) STRICT;

CREATE TABLE logins (
  id        TEXT PRIMARY KEY,
  user_id   TEXT NOT NULL,
  auth_time INTEGER NOT NULL,
  amr       TEXT NOT NULL,
  cookie    BLOB, -- SHA-256; NULL: none
  expires   INTEGER NOT NULL,
  ended_at  INTEGER,
  reason    TEXT
) STRICT;
CREATE INDEX logins_user ON logins (user_id, ended_at);
CREATE INDEX logins_expires ON logins (expires);

CREATE TABLE sessions (
  id        TEXT PRIMARY KEY,
  login_id  TEXT NOT NULL,
  user_id   TEXT NOT NULL,
  client_id TEXT NOT NULL,
  scope     TEXT NOT NULL,
  audience  TEXT NOT NULL,
  bound_key TEXT NOT NULL,
  status    INTEGER NOT NULL,
  auth_time INTEGER NOT NULL,
  created   INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  ended_at  INTEGER,
  reason    TEXT
) STRICT;
CREATE INDEX sessions_login ON sessions (login_id);
CREATE INDEX sessions_user ON sessions (user_id, ended_at, created);
CREATE INDEX sessions_client ON sessions (client_id, ended_at);
CREATE INDEX sessions_status ON sessions (status, ended_at, expires);
CREATE INDEX sessions_expires ON sessions (expires);

-- No index but the key: a rotation must touch one row and nothing else.
CREATE TABLE generations (
  session    TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  key_id     INTEGER NOT NULL,
  not_after  INTEGER NOT NULL,
  answered   INTEGER NOT NULL,
  streak     INTEGER NOT NULL,
  counted    INTEGER NOT NULL,
  late       INTEGER NOT NULL,
  ended      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ring (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  version  INTEGER NOT NULL,
  document BLOB NOT NULL
) STRICT;

CREATE TABLE audit (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  actor      TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  session_id TEXT NOT NULL,
  reason     TEXT NOT NULL,
  address    TEXT NOT NULL,
  request_id TEXT NOT NULL,
  detail     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_kind ON audit (kind, id);
CREATE INDEX audit_user ON audit (user_id, id);

-- AUTOINCREMENT: a number is not given again once its row is pruned.
CREATE TABLE feed (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  version INTEGER NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX feed_at ON feed (at);

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('status', 0);

CREATE TABLE limits (
  name BLOB PRIMARY KEY,
  tat  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_tat ON limits (tat);
