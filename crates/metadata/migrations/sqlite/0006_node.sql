-- Nodes: every running `hythe serve`, from its start until it has been gone for long. Times are this database's own.
CREATE TABLE node (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    version      TEXT NOT NULL,
    -- Where it listens, as JSON.
    addresses    TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    -- By when it shows itself again if it lives.
    expected_at  INTEGER NOT NULL,
    -- When it said goodbye; 0 while it has not.
    stopped_at   INTEGER NOT NULL DEFAULT 0,
    -- Its clock minus this database's, in microseconds.
    clock_offset INTEGER NOT NULL,
    -- What it has under way and what it can reach, as JSON.
    report       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
