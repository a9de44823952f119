-- Where a login was made, and which browser's login one for offline access came from.
-- Only additions: an older signet that still runs goes on. The same columns as in
-- ../sqlite.
-- +goose Up

ALTER TABLE logins ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN origin TEXT COLLATE "C"; -- a login; NULL: none
CREATE INDEX logins_origin ON logins (origin) WHERE origin IS NOT NULL;
