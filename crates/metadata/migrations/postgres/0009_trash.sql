-- Garbage collection while everything goes on, and the trash.

-- When a client was told last that the blob is here, by the database's clock: nodes may disagree about the time. It is
-- not indexed, so that an update stays on its page; the room for that is left free.
ALTER TABLE repository_blob ADD COLUMN touched_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE repository_blob SET (fillfactor = 90);
-- The same of a manifest, and when it lost a tag.
ALTER TABLE artifact ADD COLUMN touched_at BIGINT NOT NULL DEFAULT 0;

-- Until when a node is removing the bytes.
ALTER TABLE garbage ADD COLUMN leased_until BIGINT NOT NULL DEFAULT 0;
CREATE INDEX garbage_by_age ON garbage (created_at, location);

-- What was deleted and can come back: a manifest with its bytes and tags, or a tag alone, without bytes. Names and not
-- references: it outlives its repository and its project. All that one act deleted has one deletion.
CREATE TABLE trash (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deletion TEXT COLLATE "C" NOT NULL,
    project_id BIGINT NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    subject TEXT COLLATE "C",
    accessory TEXT,
    pushed_at BIGINT NOT NULL,
    pushed_by TEXT NOT NULL,
    pulled_at BIGINT NOT NULL,
    pulls BIGINT NOT NULL,
    labels TEXT NOT NULL,
    deleted_at BIGINT NOT NULL,
    deleted_by TEXT NOT NULL,
    why TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    bytes BYTEA
);
CREATE INDEX trash_by_repository ON trash (repository, id);
CREATE INDEX trash_by_project ON trash (project_id, id);
CREATE INDEX trash_by_expiry ON trash (expires_at, id);

CREATE TABLE trash_tag (
    trash_id BIGINT NOT NULL REFERENCES trash (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (trash_id, name)
);

-- The reference to blob keeps what the trash needs from being collected.
CREATE TABLE trash_blob (
    trash_id BIGINT NOT NULL REFERENCES trash (id) ON DELETE CASCADE,
    digest TEXT COLLATE "C" NOT NULL REFERENCES blob (digest),
    PRIMARY KEY (trash_id, digest)
);
CREATE INDEX trash_blob_by_digest ON trash_blob (digest, trash_id);
