-- A consent is to scopes at audiences (JSON: [{"audience":"https://api.example","scope":["read"]}]).
-- NULL: of scope alone, as an older signet writes it, which also goes on changing scope
-- where this is set: there it counts for nothing. The same as in ../postgres.
-- +goose Up

ALTER TABLE consents ADD COLUMN allowed TEXT;
