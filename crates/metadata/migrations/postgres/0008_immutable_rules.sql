-- Rules about tags of a project that stay as they are. Selectors are JSON.
CREATE TABLE immutable_rule (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    disabled BOOLEAN NOT NULL,
    selectors TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (project_id, selectors)
);
