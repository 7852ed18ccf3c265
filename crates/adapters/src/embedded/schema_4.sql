-- What version 4 added. Times are milliseconds since 1970.

ALTER TABLE reports ADD COLUMN found_at INTEGER;  -- when a list first told of all that it holds
