-- Sensors in full: hours and windows that never end, counted messages, waits on request with deadlines, catch-up, and
-- what people do by hand. (Tables whose checks change are made anew; the view that looks at them goes and comes back.)

DROP VIEW airflow_event_plugins;

ALTER TABLE sensors ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));

CREATE TABLE new_wanted (
    id                INTEGER PRIMARY KEY,
    sensor_id         INTEGER NOT NULL REFERENCES sensors,
    ordinal           INTEGER NOT NULL,  -- its place in the definition
    identity          TEXT NOT NULL,     -- canonical JSON: two definitions with the same text want the same
    topic             TEXT NOT NULL,
    frequency         TEXT NOT NULL CHECK (frequency IN ('H', 'D', 'W', 'M', 'Q', 'Y', 'once')),
    task_id           TEXT NOT NULL,
    matcher           TEXT NOT NULL,
    day_shift_seconds INTEGER NOT NULL,  -- by how much its business day begins before midnight
    optional          INTEGER NOT NULL CHECK (optional IN (0, 1)),
    count             INTEGER NOT NULL CHECK (count > 0),  -- so many messages fulfil it together
    distinct_fields   TEXT,              -- JSON: what is counted are the different values of these; none: messages
    fields            TEXT NOT NULL,     -- JSON: what the matcher sees
    registered_at     TEXT NOT NULL,     -- where the frequency is 'once': no earlier message counts
    state             TEXT NOT NULL CHECK (state IN ('active', 'retired')),
    UNIQUE (sensor_id, identity)
) STRICT;
INSERT INTO new_wanted (id, sensor_id, ordinal, identity, topic, frequency, task_id, matcher, day_shift_seconds,
                        optional, count, fields, registered_at, state)
SELECT wanted.id, sensor_id, ordinal, identity, topic, frequency, task_id, matcher, day_shift_seconds, optional, 1,
       fields, active_since, wanted.state
  FROM wanted JOIN sensors ON sensors.id = wanted.sensor_id;
DROP TABLE wanted;
ALTER TABLE new_wanted RENAME TO wanted;
CREATE INDEX wanted_hourly ON wanted (sensor_id) WHERE frequency = 'H' AND state = 'active';

-- An hour is known by when it begins: a business day has many, and two where the clock repeats one.
CREATE TABLE new_windows (
    id                INTEGER PRIMARY KEY,
    timezone          TEXT NOT NULL,
    day_shift_seconds INTEGER NOT NULL,
    frequency         TEXT NOT NULL,
    first_day         TEXT NOT NULL,  -- its first business day
    opens_at          TEXT NOT NULL,
    closes_at         TEXT NOT NULL,
    UNIQUE (timezone, day_shift_seconds, frequency, first_day, opens_at)
) STRICT;
INSERT INTO new_windows SELECT id, timezone, day_shift_seconds, frequency, first_day, opens_at, closes_at FROM windows;
DROP TABLE windows;
ALTER TABLE new_windows RENAME TO windows;

-- JSON: the values of the fields that its wanted message counts by.
ALTER TABLE matches ADD COLUMN distinct_value TEXT;
DROP INDEX matches_of_rendering;
CREATE INDEX matches_of_rendering ON matches (rendering_id, arrival);

CREATE TABLE new_waits (
    id            INTEGER PRIMARY KEY,
    sensor_id     INTEGER NOT NULL REFERENCES sensors,
    name          TEXT NOT NULL,  -- of one that opened with its window: when that begins
    business_date TEXT NOT NULL,  -- says which windows count
    hour          TEXT,           -- an instant in the hour that counts; none: nothing is wanted hourly
    until         TEXT NOT NULL,  -- the last business date of the window that it opened with; else its business date
    window_id     INTEGER REFERENCES windows,  -- none: it opened on request
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'complete', 'failed', 'skipped', 'cancelled')),
    opened_at     TEXT NOT NULL,
    deadline      TEXT,
    moving        INTEGER NOT NULL CHECK (moving IN (0, 1)),  -- 1: the deadline is the earliest end of a window with something pending
    closes_at     TEXT NOT NULL,  -- the last end of its windows: nothing counts that comes later
    ended_at      TEXT,
    ended_by      TEXT,           -- who cancelled it; 'retired': its sensor went
    on_timeout    TEXT NOT NULL CHECK (on_timeout IN ('fail', 'skip')),
    late          TEXT NOT NULL CHECK (late IN ('ignore', 'heal')),
    revision      INTEGER NOT NULL,              -- the revision of the sensor that it was last judged by
    lacks         INTEGER REFERENCES wanted,     -- of the wanted messages that are not here yet, one whose window ends first
    handled       INTEGER NOT NULL DEFAULT 0,    -- 1: `handled` has something to say
    UNIQUE (sensor_id, name)
) STRICT;
-- Those that wait are judged anew at the next start: only now they have deadlines.
INSERT INTO new_waits (id, sensor_id, name, business_date, until, window_id, state, opened_at, moving, closes_at,
                       ended_at, on_timeout, late, revision, lacks)
SELECT waits.id, sensor_id, name, business_date, until, window_id, state, opened_at, 1,
       coalesce(closes_at, opened_at), ended_at, on_timeout, late,
       CASE state WHEN 'waiting' THEN 0 ELSE revision END, lacks
  FROM waits LEFT JOIN windows ON windows.id = window_id;
UPDATE new_waits SET state = 'cancelled', ended_by = 'retired', ended_at = opened_at, lacks = NULL
 WHERE state = 'waiting' AND sensor_id IN (SELECT id FROM sensors WHERE state = 'retired');
DROP TABLE waits;
ALTER TABLE new_waits RENAME TO waits;
CREATE INDEX waits_waiting ON waits (sensor_id) WHERE state = 'waiting';
CREATE INDEX waits_healing ON waits (sensor_id, closes_at) WHERE late = 'heal' AND state IN ('failed', 'skipped');
CREATE INDEX waits_due ON waits (deadline) WHERE state = 'waiting' AND deadline IS NOT NULL;

-- A match that a mark rests on is not forgotten.
CREATE INDEX marks_of_match ON marks (match_id) WHERE match_id IS NOT NULL;

-- What somebody decided by hand on a wanted message of a wait; the audit knows what was decided before.
CREATE TABLE handled (
    wait_id   INTEGER NOT NULL REFERENCES waits,
    wanted_id INTEGER NOT NULL REFERENCES wanted,
    act       TEXT NOT NULL CHECK (act IN ('mark', 'unmark', 'skip')),
    at        TEXT NOT NULL,
    actor     TEXT NOT NULL,
    reason    TEXT,
    PRIMARY KEY (wait_id, wanted_id)
) STRICT, WITHOUT ROWID;

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

-- Who is told of what is missing: the channels of the configuration, as of the last start.
CREATE TABLE report_channels (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What is to be told of waits that ended with something missing, once to each channel.
CREATE TABLE reports (
    id              INTEGER PRIMARY KEY,
    wait_id         INTEGER NOT NULL REFERENCES waits,
    kind            TEXT NOT NULL CHECK (kind IN ('missing', 'healed')),
    channel         TEXT NOT NULL,
    batch           INTEGER,  -- what goes out together has the number of the first; none: not gathered yet
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT,     -- none: at once
    last_error      TEXT,
    created_at      TEXT NOT NULL,
    resolved_at     TEXT,
    UNIQUE (wait_id, kind, channel)
) STRICT;
CREATE INDEX reports_due ON reports (channel, ifnull(next_attempt_at, '')) WHERE state = 'pending';

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
       CASE WHEN latest.frequency <> 'once' THEN strftime('%Y-%m-%dT%H:%M:%SZ', latest.closes_at, '-1 second') END
  FROM latest LEFT JOIN matches ON matches.id = latest.match_id;
