-- Rules about tags of a project that stay as they are. Selectors are JSON.
CREATE TABLE immutable_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    selectors TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (project_id, selectors)
) STRICT;
