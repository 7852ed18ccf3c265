-- What version 5 added.

CREATE TABLE refusals (                     -- what a backfill was refused while no rule of its source could keep it
    source  TEXT PRIMARY KEY,               -- site or reports
    block   TEXT NOT NULL                   -- JSON, as in a rule's state
) STRICT;
