-- Candidates beside the builds that serve, and what matchers cost.
CREATE TABLE candidates (
    matcher     TEXT PRIMARY KEY,
    sha256      TEXT NOT NULL,     -- its file is in modules
    version     TEXT NOT NULL,
    against     TEXT,              -- sha256 of the build that serves; another one, and counting begins anew
    since       TEXT NOT NULL,
    messages    INTEGER NOT NULL DEFAULT 0,  -- that both judged
    different   INTEGER NOT NULL DEFAULT 0,
    same        INTEGER NOT NULL DEFAULT 0,  -- matches of both
    only_old    INTEGER NOT NULL DEFAULT 0,  -- old is the build that serves, new the candidate
    only_new    INTEGER NOT NULL DEFAULT 0,
    other_keys  INTEGER NOT NULL DEFAULT 0,
    rejects_old INTEGER NOT NULL DEFAULT 0,
    rejects_new INTEGER NOT NULL DEFAULT 0,
    faults_old  INTEGER NOT NULL DEFAULT 0,
    faults_new  INTEGER NOT NULL DEFAULT 0,
    cpu_us_old  INTEGER NOT NULL DEFAULT 0,
    cpu_us_new  INTEGER NOT NULL DEFAULT 0,
    dropped     INTEGER NOT NULL DEFAULT 0,  -- messages for which there was no time
    failed      TEXT               -- why it is not asked any more
) STRICT, WITHOUT ROWID;

-- What candidates took to fulfil a wanted message, the newest: nothing is marked by it.
CREATE TABLE shadow_matches (
    id          INTEGER PRIMARY KEY,
    matcher     TEXT NOT NULL,
    topic       TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,
    arrival     TEXT NOT NULL,
    wanted_id   INTEGER NOT NULL
) STRICT;
CREATE INDEX shadow_matches_of ON shadow_matches (matcher, id);

-- In what candidates differ from the builds that serve: the newest of each kind.
CREATE TABLE shadow_differences (
    id          INTEGER PRIMARY KEY,
    matcher     TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('only-old', 'only-new', 'other-keys', 'old-rejects', 'new-rejects',
                                              'old-faults', 'new-faults')),
    topic       TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,
    arrival     TEXT NOT NULL,
    wanted_id   INTEGER,           -- none: about no wanted message in particular
    reason      TEXT
) STRICT;
CREATE INDEX shadow_differences_of ON shadow_differences (matcher, kind, id);

-- What each build of a matcher used, over all times that it served.
CREATE TABLE matcher_usage (
    matcher     TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    cpu_us      INTEGER NOT NULL,
    calls       INTEGER NOT NULL,
    messages    INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    peak_memory INTEGER NOT NULL,  -- of one instance
    PRIMARY KEY (matcher, sha256)
) STRICT, WITHOUT ROWID;

-- Messages that are to be published in a topic of dead letters, whole but for what may not be kept: until Kafka has them.
-- A message has a row here and is not published as long as it has none in dead_letters: its partition stands still at it.
CREATE TABLE dead_letters_to_publish (
    id          INTEGER PRIMARY KEY,
    cluster     TEXT NOT NULL,
    topic       TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,
    matcher     TEXT NOT NULL,
    to_topic    TEXT NOT NULL,
    key         BLOB,
    value       BLOB,
    headers     TEXT NOT NULL,  -- JSON: [{"name": …, "value": its bytes in base64}]
    UNIQUE (topic, "partition", "offset", cluster, epoch, matcher)
) STRICT;
ALTER TABLE dead_letters ADD COLUMN published_at TEXT;  -- in the topic of dead letters; none: it was not

-- Where the tasks of waits are in outside systems: JSON objects. A sensor's may hold templates; a wait's is what they came to,
-- with its own laid over it.
ALTER TABLE sensors ADD COLUMN target TEXT NOT NULL DEFAULT '{}';
ALTER TABLE waits ADD COLUMN target TEXT NOT NULL DEFAULT '{}';

-- What a mark is of: a task; the gate, which stands for the whole wait; what is done once the wait is complete. Those that
-- are no tasks go out when no task's mark of the wait is pending.
ALTER TABLE marks ADD COLUMN kind TEXT NOT NULL DEFAULT 'task' CHECK (kind IN ('task', 'gate', 'on-complete'));
