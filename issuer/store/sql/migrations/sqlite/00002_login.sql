-- What the authorization code grant needs. Only additions, with defaults: an older
-- signet that still runs goes on. The same tables and columns as in ../postgres.
-- +goose Up

ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE sessions ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX logins_cookie ON logins (cookie) WHERE cookie IS NOT NULL;

CREATE TABLE consents (
  user_id   TEXT NOT NULL,
  client_id TEXT NOT NULL,
  scope     TEXT NOT NULL,
  given     INTEGER NOT NULL,
  PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_client ON consents (client_id);

CREATE TABLE notices (
  session   TEXT PRIMARY KEY,
  client_id TEXT NOT NULL,
  user_id   TEXT NOT NULL,
  ended     INTEGER NOT NULL,
  due       INTEGER NOT NULL,
  tries     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_due ON notices (due, session);
CREATE INDEX notices_client ON notices (client_id);

-- Documents are up to 64 KiB: too much for a table WITHOUT ROWID.
CREATE TABLE waiting (
  name     TEXT PRIMARY KEY,
  document BLOB NOT NULL,
  expires  INTEGER NOT NULL
) STRICT;
CREATE INDEX waiting_expires ON waiting (expires);
