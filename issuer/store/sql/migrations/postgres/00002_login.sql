-- What the authorization code grant needs. Only additions, with defaults: an older
-- signet that still runs goes on. The same tables and columns as in ../sqlite.
-- +goose Up

ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE sessions ADD COLUMN notify BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX logins_cookie ON logins (cookie) WHERE cookie IS NOT NULL;

CREATE TABLE consents (
  user_id   TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  scope     TEXT NOT NULL,
  given     BIGINT NOT NULL,
  PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_client ON consents (client_id);

CREATE TABLE notices (
  session   TEXT COLLATE "C" PRIMARY KEY,
  client_id TEXT COLLATE "C" NOT NULL,
  user_id   TEXT COLLATE "C" NOT NULL,
  ended     BIGINT NOT NULL,
  due       BIGINT NOT NULL,
  tries     BIGINT NOT NULL
);
CREATE INDEX notices_due ON notices (due, session);
CREATE INDEX notices_client ON notices (client_id);

CREATE TABLE waiting (
  name     TEXT COLLATE "C" PRIMARY KEY,
  document BYTEA NOT NULL,
  expires  BIGINT NOT NULL
);
CREATE INDEX waiting_expires ON waiting (expires);
