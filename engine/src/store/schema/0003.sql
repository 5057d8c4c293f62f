-- Reading back for renderings that are younger than their messages: one row a partition that is read for them, or was.
DROP TABLE catch_ups;
CREATE TABLE catch_ups (
    id          INTEGER PRIMARY KEY,
    scan        INTEGER NOT NULL,  -- rows with one number are of one topic and belong together
    cluster     TEXT NOT NULL,
    topic       TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    since       TEXT NOT NULL,     -- messages are looked for that arrived from then on
    first       INTEGER NOT NULL,  -- the offset that it began at
    next        INTEGER NOT NULL,  -- the offset to be read next
    cut         INTEGER NOT NULL,  -- where it ends: from that offset on messages meet the renderings anyway
    messages    INTEGER NOT NULL DEFAULT 0,  -- so many were read
    wanted      INTEGER NOT NULL,  -- for so many wanted messages
    state       TEXT NOT NULL CHECK (state IN ('running', 'done')),
    reason      TEXT,              -- why it does not get on
    lacking     TEXT,              -- what could not be looked for, and why
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    UNIQUE (scan, cluster, topic, "partition")
) STRICT;

-- Wanted messages whose rendering of a business date is to be caught up. A row goes when that is done.
CREATE TABLE to_catch_up (
    topic         TEXT NOT NULL,
    wanted_id     INTEGER NOT NULL REFERENCES wanted,
    business_date TEXT NOT NULL,
    due_at        TEXT NOT NULL,  -- when that date begins: not before
    scan          INTEGER,        -- none: it waits for the next one of its topic
    PRIMARY KEY (topic, wanted_id, business_date)
) STRICT, WITHOUT ROWID;

-- Business dates of which everything was rendered once: from then on another text is one that renders anew.
CREATE TABLE rendered_days (
    timezone          TEXT NOT NULL,
    day_shift_seconds INTEGER NOT NULL,
    business_date     TEXT NOT NULL,
    PRIMARY KEY (timezone, day_shift_seconds, business_date)
) STRICT, WITHOUT ROWID;
