-- Candidates beside the builds that serve, and what matchers cost.

-- Where the tasks of waits are in outside systems: JSON objects. A sensor's may hold templates; a wait's is what they came to,
-- with its own laid over it.
ALTER TABLE sensors ADD COLUMN target TEXT NOT NULL DEFAULT '{}';
ALTER TABLE waits ADD COLUMN target TEXT NOT NULL DEFAULT '{}';

-- What a mark is of: a task; the gate, which stands for the whole wait; what is done once the wait is complete. Those that
-- are no tasks go out when no task's mark of the wait is pending.
ALTER TABLE marks ADD COLUMN kind TEXT NOT NULL DEFAULT 'task' CHECK (kind IN ('task', 'gate', 'on-complete'));
