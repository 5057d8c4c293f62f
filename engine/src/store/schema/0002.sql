-- A living service: builds of matchers come and go under load, and what was set aside can be judged again.

-- More may become of a build than before, so the table is made anew.
CREATE TABLE new_generations (
    id        INTEGER PRIMARY KEY,
    matcher   TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    version   TEXT NOT NULL,  -- its own
    interface TEXT NOT NULL,  -- of the contract that it was built for
    origin    TEXT NOT NULL,  -- a path, or 'built-in'
    loaded_at TEXT NOT NULL,
    -- serving: judges messages now; quarantined: kept failing, its topics wait; retired: another took its place, or its
    -- file went; rolled-back: failed while it was on probation; refused: never served.
    state     TEXT NOT NULL CHECK (state IN ('serving', 'quarantined', 'retired', 'rolled-back', 'refused')),
    reason    TEXT,
    ended_at  TEXT            -- when it ceased to serve
) STRICT;
INSERT INTO new_generations (id, matcher, sha256, version, interface, origin, loaded_at, state, reason)
SELECT id, matcher, sha256, version, interface, origin, loaded_at, state, reason FROM generations;
DROP TABLE generations;
ALTER TABLE new_generations RENAME TO generations;
CREATE UNIQUE INDEX generations_serving ON generations (matcher) WHERE state IN ('serving', 'quarantined');

-- The files of the builds that served, so that one can serve again after its file was overwritten.
CREATE TABLE modules (
    sha256  TEXT PRIMARY KEY,
    wasm    BLOB NOT NULL,
    kept_at TEXT NOT NULL
) STRICT;

-- Builds that serve because somebody said so, whatever the directory holds.
CREATE TABLE pins (
    matcher   TEXT PRIMARY KEY,
    sha256    TEXT NOT NULL REFERENCES modules,
    pinned_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE dead_letters ADD COLUMN fault TEXT;        -- of a fault its kind: 'trap', 'timed-out', 'memory', …
ALTER TABLE dead_letters ADD COLUMN backtrace TEXT;    -- of a fault: where in the matcher, innermost first
ALTER TABLE dead_letters ADD COLUMN redriven_at TEXT;  -- when it was last judged again
ALTER TABLE dead_letters ADD COLUMN outcome TEXT;      -- what came of that, in words
