-- Everything that eventlatch knows. Names are a promise: people and dashboards read this file with `sqlite3`.
--
-- Instants are TEXT in UTC, always as 2019-07-07T08:00:00.000Z, so that they sort as text.
-- Dates are TEXT, YYYY-MM-DD, and are business dates.

-- Which store this is: one row. The identity goes out with every mark.
CREATE TABLE store (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    identity       TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    -- The latest business date that anything was rendered for.
    rendered_until TEXT
) STRICT;

-- Named sets of wanted messages.
CREATE TABLE sensors (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    owner        TEXT NOT NULL,  -- 'api' or 'file:NAME': only the owner may change it
    timezone     TEXT NOT NULL,  -- IANA name
    opening      TEXT NOT NULL CHECK (opening IN ('window', 'request')),
    require      TEXT NOT NULL,  -- 'all', 'any' or a number
    timeout      TEXT NOT NULL,  -- 'window-end', a number of seconds or 'cron:EXPRESSION'
    on_timeout   TEXT NOT NULL CHECK (on_timeout IN ('fail', 'skip')),
    late         TEXT NOT NULL CHECK (late IN ('ignore', 'heal')),
    state        TEXT NOT NULL CHECK (state IN ('active', 'retired')),
    revision     INTEGER NOT NULL,  -- rises with every change of the definition
    active_since TEXT NOT NULL,     -- when it was registered, or revived
    updated_at   TEXT NOT NULL
) STRICT;

-- The expectations of a sensor. One that goes is retired and keeps its history.
CREATE TABLE wanted (
    id                INTEGER PRIMARY KEY,
    sensor_id         INTEGER NOT NULL REFERENCES sensors,
    ordinal           INTEGER NOT NULL,  -- its place in the definition
    identity          TEXT NOT NULL,     -- canonical JSON: two definitions with the same text want the same
    topic             TEXT NOT NULL,
    frequency         TEXT NOT NULL CHECK (frequency IN ('D', 'W', 'M', 'Q', 'Y')),
    task_id           TEXT NOT NULL,
    matcher           TEXT NOT NULL,
    day_shift_seconds INTEGER NOT NULL,  -- by how much its business day begins before midnight
    optional          INTEGER NOT NULL CHECK (optional IN (0, 1)),
    fields            TEXT NOT NULL,     -- JSON: what the matcher sees
    state             TEXT NOT NULL CHECK (state IN ('active', 'retired')),
    UNIQUE (sensor_id, identity)
) STRICT;

-- Wanted messages with their templates filled in. A row only where the text differs from the day before: in force on
-- a date is the row with the greatest `since` that is not after it and was not replaced.
CREATE TABLE renderings (
    id        INTEGER PRIMARY KEY,
    wanted_id INTEGER NOT NULL REFERENCES wanted,
    since     TEXT NOT NULL,
    replaced  INTEGER NOT NULL DEFAULT 0,  -- 0: counts; n: the n-th text of that very day that another one replaced
    rendered  TEXT NOT NULL,               -- JSON
    UNIQUE (wanted_id, since, replaced)
) STRICT;

-- Spans in which a fulfilment counts: [opens_at, closes_at).
CREATE TABLE windows (
    id                INTEGER PRIMARY KEY,
    timezone          TEXT NOT NULL,
    day_shift_seconds INTEGER NOT NULL,
    frequency         TEXT NOT NULL,
    first_day         TEXT NOT NULL,  -- its first business day
    opens_at          TEXT NOT NULL,
    closes_at         TEXT NOT NULL,
    UNIQUE (timezone, day_shift_seconds, frequency, first_day)
) STRICT;

-- The fact that a message fulfilled a rendering in a window. All of them are kept, the first one marks.
CREATE TABLE matches (
    id            INTEGER PRIMARY KEY,
    cluster       TEXT NOT NULL,
    topic         TEXT NOT NULL,
    "partition"   INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    "offset"      INTEGER NOT NULL,
    wanted_id     INTEGER NOT NULL REFERENCES wanted,
    rendering_id  INTEGER NOT NULL REFERENCES renderings,
    window_id     INTEGER NOT NULL REFERENCES windows,
    business_date TEXT NOT NULL,  -- of the arrival
    arrival       TEXT NOT NULL,
    event_time    TEXT,           -- when the message says that it happened, where it says so
    matcher       TEXT NOT NULL,
    sha256        TEXT NOT NULL,  -- of the matcher's file
    recorded_at   TEXT NOT NULL,
    UNIQUE (topic, "partition", "offset", cluster, epoch, wanted_id, rendering_id)
) STRICT;
CREATE INDEX matches_of_rendering ON matches (rendering_id, business_date);

-- Messages with the right key that were refused all the same. The newest 20 of a rendering in a window are kept;
-- `nth` counts them all, so the greatest one is their number.
CREATE TABLE near_misses (
    id            INTEGER PRIMARY KEY,
    cluster       TEXT NOT NULL,
    topic         TEXT NOT NULL,
    "partition"   INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    "offset"      INTEGER NOT NULL,
    wanted_id     INTEGER NOT NULL REFERENCES wanted,
    rendering_id  INTEGER NOT NULL REFERENCES renderings,
    window_id     INTEGER NOT NULL REFERENCES windows,
    business_date TEXT NOT NULL,
    arrival       TEXT NOT NULL,
    event_time    TEXT,
    matcher       TEXT NOT NULL,
    sha256        TEXT NOT NULL,
    reason        TEXT NOT NULL,
    nth           INTEGER NOT NULL,
    recorded_at   TEXT NOT NULL,
    UNIQUE (rendering_id, window_id, nth)
) STRICT;

-- Runs that wait on a sensor.
CREATE TABLE waits (
    id            INTEGER PRIMARY KEY,
    sensor_id     INTEGER NOT NULL REFERENCES sensors,
    name          TEXT NOT NULL,  -- of one that opened with its window: the window's first business day
    business_date TEXT NOT NULL,  -- says which windows count
    until         TEXT NOT NULL,  -- the last business date that counts: the same, or the last of its window
    window_id     INTEGER REFERENCES windows,
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'complete', 'failed', 'skipped')),
    opened_at     TEXT NOT NULL,
    deadline      TEXT,
    ended_at      TEXT,
    on_timeout    TEXT NOT NULL CHECK (on_timeout IN ('fail', 'skip')),
    late          TEXT NOT NULL CHECK (late IN ('ignore', 'heal')),
    revision      INTEGER NOT NULL,              -- the revision of the sensor that it was last judged by
    lacks         INTEGER REFERENCES wanted,     -- one of the wanted messages that are not here yet
    UNIQUE (sensor_id, name)
) STRICT;
CREATE INDEX waits_waiting ON waits (sensor_id, until) WHERE state = 'waiting';

-- What is to be told to the outside about a task, and what came of it.
CREATE TABLE marks (
    id              INTEGER PRIMARY KEY,
    wait_id         INTEGER NOT NULL REFERENCES waits,
    task_id         TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('success', 'failed', 'skipped')),
    match_id        INTEGER REFERENCES matches,  -- the evidence; none: a deadline, a condition or a person
    status          TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'rejected', 'superseded')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT,                        -- none: at once
    last_error      TEXT,
    created_at      TEXT NOT NULL,
    resolved_at     TEXT,
    UNIQUE (wait_id, task_id, state)
) STRICT;
CREATE INDEX marks_due ON marks (ifnull(next_attempt_at, '')) WHERE status = 'pending';

-- The tasks of the `local` adapter.
CREATE TABLE tasks (
    sensor     TEXT NOT NULL,
    wait       TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'success', 'failed', 'skipped')),
    updated_at TEXT NOT NULL,
    PRIMARY KEY (sensor, wait, task_id)
) STRICT, WITHOUT ROWID;

-- How far each partition has been read: moves with the matches, in one transaction.
CREATE TABLE offsets (
    cluster     TEXT NOT NULL,
    topic       TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    next        INTEGER NOT NULL,  -- the offset to be read next
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (cluster, topic, "partition")
) STRICT, WITHOUT ROWID;

-- Reading back for renderings that are younger than their messages: one row a partition of a scan.
CREATE TABLE catch_ups (
    id              INTEGER PRIMARY KEY,
    scan            INTEGER NOT NULL,  -- rows with one number belong together
    first_rendering INTEGER NOT NULL,  -- the scan is for the renderings with ids from here
    last_rendering  INTEGER NOT NULL,  -- to here
    cluster         TEXT NOT NULL,
    topic           TEXT NOT NULL,
    "partition"     INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    next            INTEGER,           -- the offset to be read next; none: not begun
    cut             INTEGER NOT NULL,  -- the first offset that was evaluated with the renderings anyway
    state           TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    reason          TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    UNIQUE (scan, cluster, topic, "partition")
) STRICT;

-- Messages that were set aside.
CREATE TABLE dead_letters (
    id           INTEGER PRIMARY KEY,
    cluster      TEXT NOT NULL,
    topic        TEXT NOT NULL,
    "partition"  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    "offset"     INTEGER NOT NULL,
    arrival      TEXT NOT NULL,
    key          BLOB,
    payload      BLOB,               -- its first 4096 bytes; none: a tombstone
    payload_size INTEGER,            -- of the whole
    kind         TEXT NOT NULL CHECK (kind IN ('reject', 'fault')),
    reason       TEXT NOT NULL,
    matcher      TEXT NOT NULL,
    sha256       TEXT NOT NULL,
    recorded_at  TEXT NOT NULL,
    UNIQUE (topic, "partition", "offset", cluster, epoch, matcher)
) STRICT;

-- Partitions that stand still until somebody releases them.
CREATE TABLE frozen_partitions (
    cluster     TEXT NOT NULL,
    topic       TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,  -- of the message that it stopped at
    reason      TEXT NOT NULL,
    matcher     TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    frozen_at   TEXT NOT NULL,
    PRIMARY KEY (cluster, topic, "partition")
) STRICT, WITHOUT ROWID;

-- The builds of matchers that were loaded, or refused.
CREATE TABLE generations (
    id        INTEGER PRIMARY KEY,
    matcher   TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    version   TEXT NOT NULL,  -- its own
    interface TEXT NOT NULL,  -- of the contract that it was built for
    origin    TEXT NOT NULL,  -- a path, or 'built-in'
    loaded_at TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('serving', 'retired', 'refused')),
    reason    TEXT
) STRICT;
CREATE UNIQUE INDEX generations_serving ON generations (matcher) WHERE state = 'serving';

-- Who changed what by hand.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT  -- JSON
) STRICT;

-- The table of the Airflow event plugins, as it would be now: one row for each active wanted message, in UTC.
CREATE VIEW airflow_event_plugins (id, name, msg, source_type, frequency, last_receive, last_receive_time, timeout) AS
WITH now (instant) AS (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
open_windows AS (
    SELECT windows.* FROM windows, now WHERE opens_at <= now.instant AND now.instant < closes_at
),
current AS (
    SELECT wanted.id AS wanted_id, sensors.name, wanted.identity, wanted.frequency, span.id AS window_id, span.closes_at,
           (SELECT rendered FROM renderings
             WHERE wanted_id = wanted.id AND replaced = 0 AND since <= day.first_day
             ORDER BY since DESC LIMIT 1) AS rendered
      FROM wanted
      JOIN sensors ON sensors.id = wanted.sensor_id
      LEFT JOIN open_windows AS span
        ON span.timezone = sensors.timezone AND span.day_shift_seconds = wanted.day_shift_seconds
       AND span.frequency = wanted.frequency
      LEFT JOIN open_windows AS day
        ON day.timezone = sensors.timezone AND day.day_shift_seconds = wanted.day_shift_seconds AND day.frequency = 'D'
     WHERE wanted.state = 'active' AND sensors.state = 'active'
),
latest AS (
    SELECT current.*,
           (SELECT matches.id FROM renderings JOIN matches ON matches.rendering_id = renderings.id
             WHERE renderings.wanted_id = current.wanted_id AND renderings.rendered = current.rendered
               AND matches.window_id = current.window_id
             ORDER BY matches.arrival DESC, matches.id DESC LIMIT 1) AS match_id
      FROM current
)
SELECT latest.wanted_id, latest.name, latest.identity, 'kafka', latest.frequency,
       CASE WHEN matches.id IS NOT NULL
            THEN json_object('topic', matches.topic, 'partition', matches."partition", 'offset', matches."offset") END,
       matches.arrival,
       strftime('%Y-%m-%dT%H:%M:%SZ', latest.closes_at, '-1 second')
  FROM latest LEFT JOIN matches ON matches.id = latest.match_id;
