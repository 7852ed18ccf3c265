-- What version 2 added. Times are milliseconds since 1970.

ALTER TABLE discovery_schedules ADD COLUMN ranks TEXT NOT NULL DEFAULT 'players';
ALTER TABLE discovery_schedules ADD COLUMN since INTEGER;

CREATE TABLE reports (                      -- those whose ranks are read for everybody in them
    code        TEXT PRIMARY KEY,
    raid        INTEGER NOT NULL,
    region      TEXT NOT NULL,
    start_time  INTEGER NOT NULL,
    end_time    INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    state       TEXT NOT NULL,              -- new, again, done, final, gone
    due_at      INTEGER NOT NULL,
    sent_at     INTEGER,
    tries       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX reports_due ON reports (state, due_at);

CREATE TABLE reports_read (                 -- those that discovery has read, and for which difficulties
    raid          INTEGER NOT NULL,
    code          TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    difficulties  TEXT NOT NULL,            -- JSON
    end_time      INTEGER NOT NULL,
    PRIMARY KEY (raid, code)
) STRICT, WITHOUT ROWID;
