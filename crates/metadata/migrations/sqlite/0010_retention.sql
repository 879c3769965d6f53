-- Retention: which artifacts of a project are kept, and what became of the others.

-- One for a project at most. The body (JSON) holds the rules and when they are applied by themselves.
CREATE TABLE retention_policy (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL UNIQUE REFERENCES project (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The id is that of the job, which says how it goes while its row is kept.
CREATE TABLE retention_execution (
    id INTEGER PRIMARY KEY,
    policy_id INTEGER NOT NULL REFERENCES retention_policy (id) ON DELETE CASCADE,
    dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
    cause TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX retention_execution_by_policy ON retention_execution (policy_id, id);

-- One repository of an execution. Decisions are JSON: of every artifact what was decided and why.
CREATE TABLE retention_task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id INTEGER NOT NULL REFERENCES retention_execution (id) ON DELETE CASCADE,
    repository TEXT NOT NULL,
    total INTEGER NOT NULL,
    retained INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    decisions TEXT NOT NULL,
    UNIQUE (execution_id, repository)
) STRICT;
