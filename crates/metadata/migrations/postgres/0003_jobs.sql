-- Jobs: work in the background. What is to be done, when, who is at it, and what became of it. Payload, progress and
-- the words of an event are JSON text.

-- A job with a key is the only unfinished one of its kind and key; one without a key stands alone. Whoever runs it
-- holds the lease; the fence counts the holders, and what an old one writes is refused. With again, a job that was
-- asked for while it ran is put into the queue once more when it ends.
CREATE TABLE job (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C",
    payload TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'running', 'stopping', 'succeeded', 'failed', 'stopped')),
    priority BIGINT NOT NULL,
    run_after BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL,
    again BOOLEAN NOT NULL DEFAULT FALSE,
    holder TEXT,
    fence BIGINT NOT NULL DEFAULT 0,
    leased_until BIGINT NOT NULL DEFAULT 0,
    progress TEXT,
    message TEXT NOT NULL DEFAULT '',
    log_lines BIGINT NOT NULL DEFAULT 0,
    cause TEXT COLLATE "C" NOT NULL CHECK (cause IN ('manual', 'schedule', 'event')),
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE UNIQUE INDEX job_unfinished ON job (kind, key) WHERE state IN ('pending', 'running', 'stopping');
CREATE INDEX job_waiting ON job (priority DESC, run_after, id) WHERE state = 'pending';
CREATE INDEX job_leased ON job (leased_until) WHERE state IN ('running', 'stopping');
CREATE INDEX job_finished ON job (finished_at) WHERE state IN ('succeeded', 'failed', 'stopped');
CREATE INDEX job_by_kind ON job (kind, id);

CREATE TABLE job_log (
    job_id BIGINT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (job_id, sequence)
);

-- Kinds of job that nobody begins until an administrator says so.
CREATE TABLE job_pause (
    kind TEXT COLLATE "C" PRIMARY KEY,
    paused_at BIGINT NOT NULL,
    paused_by TEXT NOT NULL
);

-- What makes jobs again and again: a cron expression, read in a time zone of the IANA's name.
CREATE TABLE schedule (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    payload TEXT NOT NULL,
    next_at BIGINT,
    last_at BIGINT,
    last_job BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX schedule_due ON schedule (next_at) WHERE next_at IS NOT NULL;

-- The outbox: what happened, written in the transaction in which it did, until the jobs that follow are made.
CREATE TABLE event (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    payload TEXT NOT NULL,
    at BIGINT NOT NULL
);
