-- Retention: which artifacts of a project are kept, and what became of the others.

-- One for a project at most. The body (JSON) holds the rules and when they are applied by themselves.
CREATE TABLE retention_policy (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL UNIQUE REFERENCES project (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The id is that of the job, which says how it goes while its row is kept.
CREATE TABLE retention_execution (
    id BIGINT PRIMARY KEY,
    policy_id BIGINT NOT NULL REFERENCES retention_policy (id) ON DELETE CASCADE,
    dry_run BOOLEAN NOT NULL,
    cause TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX retention_execution_by_policy ON retention_execution (policy_id, id);

-- One repository of an execution. Decisions are JSON: of every artifact what was decided and why.
CREATE TABLE retention_task (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id BIGINT NOT NULL REFERENCES retention_execution (id) ON DELETE CASCADE,
    repository TEXT COLLATE "C" NOT NULL,
    total BIGINT NOT NULL,
    retained BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    decisions TEXT NOT NULL,
    UNIQUE (execution_id, repository)
);
