-- Jobs: work in the background. What is to be done, when, who is at it, and what became of it. Payload, progress and
-- the words of an event are JSON text.

-- A job with a key is the only unfinished one of its kind and key; one without a key stands alone. Whoever runs it
-- holds the lease; the fence counts the holders, and what an old one writes is refused. With again, a job that was
-- asked for while it ran is put into the queue once more when it ends.
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'stopping', 'succeeded', 'failed', 'stopped')),
    priority INTEGER NOT NULL,
    run_after INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    again INTEGER NOT NULL DEFAULT 0 CHECK (again IN (0, 1)),
    holder TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER NOT NULL DEFAULT 0,
    progress TEXT,
    message TEXT NOT NULL DEFAULT '',
    log_lines INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL CHECK (cause IN ('manual', 'schedule', 'event')),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX job_unfinished ON job (kind, key) WHERE state IN ('pending', 'running', 'stopping');
CREATE INDEX job_waiting ON job (priority DESC, run_after, id) WHERE state = 'pending';
CREATE INDEX job_leased ON job (leased_until) WHERE state IN ('running', 'stopping');
CREATE INDEX job_finished ON job (finished_at) WHERE state IN ('succeeded', 'failed', 'stopped');
CREATE INDEX job_by_kind ON job (kind, id);

CREATE TABLE job_log (
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (job_id, sequence)
) STRICT, WITHOUT ROWID;

-- Kinds of job that nobody begins until an administrator says so.
CREATE TABLE job_pause (
    kind TEXT PRIMARY KEY,
    paused_at INTEGER NOT NULL,
    paused_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What makes jobs again and again: a cron expression, read in a time zone of the IANA's name.
CREATE TABLE schedule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    payload TEXT NOT NULL,
    next_at INTEGER,
    last_at INTEGER,
    last_job INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (kind, key)
) STRICT;
CREATE INDEX schedule_due ON schedule (next_at) WHERE next_at IS NOT NULL;

-- The outbox: what happened, written in the transaction in which it did, until the jobs that follow are made.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
