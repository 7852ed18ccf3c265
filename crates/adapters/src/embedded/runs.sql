-- The journal: one row for each invocation. Times are milliseconds since 1970.
CREATE TABLE IF NOT EXISTS runs (
    id          TEXT PRIMARY KEY,
    stage       TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    outcome     TEXT NOT NULL,              -- ok or failed
    summary     TEXT NOT NULL               -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS runs_in_order ON runs (started_at, id);
