-- The content of the MongoDB collections of the same names, and the queue. Times are milliseconds since 1970.

CREATE TABLE discovery_schedules (
    id          TEXT PRIMARY KEY,           -- 24 hexadecimal digits
    raid        INTEGER NOT NULL,
    difficulty  INTEGER NOT NULL,           -- 1 LFR, 3 Normal, 4 Heroic, 5 Mythic
    start_page  INTEGER NOT NULL,
    end_page    INTEGER NOT NULL,
    source      TEXT NOT NULL DEFAULT 'site',
    partition   INTEGER,                    -- NULL: the raid's current one
    enabled     INTEGER NOT NULL DEFAULT 1,
    last_run    INTEGER,
    state       TEXT NOT NULL DEFAULT '{}'  -- JSON: lease, progress, block; the program's own
) STRICT;

CREATE TABLE discovers (                    -- one row for each raid and difficulty of a player
    player      INTEGER NOT NULL,
    raid        INTEGER NOT NULL,
    difficulty  INTEGER NOT NULL,
    PRIMARY KEY (player, raid, difficulty)
) STRICT, WITHOUT ROWID;

CREATE TABLE players (
    id                 INTEGER PRIMARY KEY,
    name               TEXT NOT NULL,
    region             TEXT NOT NULL,
    server             TEXT NOT NULL,
    normalized_server  TEXT NOT NULL,
    class_id           INTEGER NOT NULL,
    ranks              TEXT NOT NULL        -- JSON: raid, difficulty, metric, encounter
) STRICT;
CREATE INDEX players_in_order ON players (region, normalized_server, name, id);

CREATE TABLE raids (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    encounters  TEXT NOT NULL               -- JSON: id and name, in the raid's order
) STRICT;

CREATE TABLE queue (                        -- wcl-discovered-players
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    body        TEXT NOT NULL,
    receives    INTEGER NOT NULL DEFAULT 0, -- failed attempts
    visible_at  INTEGER NOT NULL DEFAULT 0,
    taken       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX queue_waiting ON queue (taken, visible_at, id);

CREATE TABLE dead_letters (                 -- messages that failed too often
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    body      TEXT NOT NULL,
    reason    TEXT NOT NULL,
    moved_at  INTEGER NOT NULL
) STRICT;
