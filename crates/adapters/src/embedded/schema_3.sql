-- What version 3 added. Times are milliseconds since 1970.

ALTER TABLE players ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;       -- when it had this name and realm

ALTER TABLE reports ADD COLUMN difficulties TEXT NOT NULL DEFAULT '[]';  -- JSON: those that were read whole
ALTER TABLE reports ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;      -- what of that was left out
