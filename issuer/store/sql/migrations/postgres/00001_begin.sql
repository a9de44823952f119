-- All times are whole milliseconds since 1970 UTC, but limits.tat (microseconds).
-- Lists are JSON text. The same tables and columns as in ../sqlite. Identifiers
-- collate by bytes, as Go compares them: lists are paged by id.
-- +goose Up

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE users (
  id             TEXT COLLATE "C" PRIMARY KEY,
  email          TEXT NOT NULL,
  email_norm     TEXT COLLATE "C" NOT NULL UNIQUE,
  email_verified BOOLEAN NOT NULL,
  roles          TEXT NOT NULL,
  disabled       BOOLEAN NOT NULL,
  password_hash  TEXT NOT NULL,
  version        BIGINT NOT NULL,
  created        BIGINT NOT NULL
);

CREATE TABLE clients (
  id       TEXT COLLATE "C" PRIMARY KEY,
  document TEXT NOT NULL,
  version  BIGINT NOT NULL,
  created  BIGINT NOT NULL
);

CREATE TABLE logins (
  id        TEXT COLLATE "C" PRIMARY KEY,
  user_id   TEXT COLLATE "C" NOT NULL,
  auth_time BIGINT NOT NULL,
  amr       TEXT NOT NULL,
  cookie    BYTEA, -- SHA-256; NULL: none
  expires   BIGINT NOT NULL,
  ended_at  BIGINT,
  reason    TEXT
);
CREATE INDEX logins_user ON logins (user_id, ended_at);
CREATE INDEX logins_expires ON logins (expires);

CREATE TABLE sessions (
  id        TEXT COLLATE "C" PRIMARY KEY,
  login_id  TEXT COLLATE "C" NOT NULL,
  user_id   TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  scope     TEXT NOT NULL,
  audience  TEXT NOT NULL,
  bound_key TEXT NOT NULL,
  status    BIGINT NOT NULL,
  auth_time BIGINT NOT NULL,
  created   BIGINT NOT NULL,
  expires   BIGINT NOT NULL,
  ended_at  BIGINT,
  reason    TEXT
);
CREATE INDEX sessions_login ON sessions (login_id);
CREATE INDEX sessions_user ON sessions (user_id, ended_at, created);
CREATE INDEX sessions_client ON sessions (client_id, ended_at);
CREATE INDEX sessions_status ON sessions (status, ended_at, expires);
CREATE INDEX sessions_expires ON sessions (expires);

-- No index but the key, and room in each page: a rotation updates one row in
-- place (a heap-only tuple) and touches nothing else.
CREATE TABLE generations (
  session    TEXT COLLATE "C" PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  generation BIGINT NOT NULL,
  key_id     BIGINT NOT NULL,
  not_after  BIGINT NOT NULL,
  answered   BIGINT NOT NULL,
  streak     BIGINT NOT NULL,
  counted    BOOLEAN NOT NULL,
  late       BIGINT NOT NULL,
  ended      BOOLEAN NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE ring (
  id       BIGINT PRIMARY KEY CHECK (id = 1),
  version  BIGINT NOT NULL,
  document BYTEA NOT NULL
);

CREATE TABLE audit (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  actor      TEXT NOT NULL,
  user_id    TEXT COLLATE "C" NOT NULL,
  client_id  TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  reason     TEXT NOT NULL,
  address    TEXT NOT NULL,
  request_id TEXT NOT NULL,
  detail     TEXT NOT NULL
);
CREATE INDEX audit_kind ON audit (kind, id);
CREATE INDEX audit_user ON audit (user_id, id);

CREATE TABLE feed (
  seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind    TEXT NOT NULL,
  id      TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  at      BIGINT NOT NULL
);
CREATE INDEX feed_at ON feed (at);

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('status', 0);

CREATE TABLE limits (
  name BYTEA PRIMARY KEY,
  tat  BIGINT NOT NULL
);
CREATE INDEX limits_tat ON limits (tat);
