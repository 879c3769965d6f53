-- Garbage collection while everything goes on, and the trash.

-- When a client was told last that the blob is here, by the database's clock: nodes may disagree about the time.
ALTER TABLE repository_blob ADD COLUMN touched_at INTEGER NOT NULL DEFAULT 0;
-- The same of a manifest, and when it lost a tag.
ALTER TABLE artifact ADD COLUMN touched_at INTEGER NOT NULL DEFAULT 0;

-- Until when a node is removing the bytes.
ALTER TABLE garbage ADD COLUMN leased_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX garbage_by_age ON garbage (created_at, location);

-- What was deleted and can come back: a manifest with its bytes and tags, or a tag alone, without bytes. Names and not
-- references: it outlives its repository and its project. All that one act deleted has one deletion.
CREATE TABLE trash (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deletion TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    subject TEXT,
    accessory TEXT,
    pushed_at INTEGER NOT NULL,
    pushed_by TEXT NOT NULL,
    pulled_at INTEGER NOT NULL,
    pulls INTEGER NOT NULL,
    labels TEXT NOT NULL,
    deleted_at INTEGER NOT NULL,
    deleted_by TEXT NOT NULL,
    why TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    bytes BLOB
) STRICT;
CREATE INDEX trash_by_repository ON trash (repository, id);
CREATE INDEX trash_by_project ON trash (project_id, id);
CREATE INDEX trash_by_expiry ON trash (expires_at, id);

CREATE TABLE trash_tag (
    trash_id INTEGER NOT NULL REFERENCES trash (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (trash_id, name)
) STRICT, WITHOUT ROWID;

-- The reference to blob keeps what the trash needs from being collected.
CREATE TABLE trash_blob (
    trash_id INTEGER NOT NULL REFERENCES trash (id) ON DELETE CASCADE,
    digest TEXT NOT NULL REFERENCES blob (digest),
    PRIMARY KEY (trash_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX trash_blob_by_digest ON trash_blob (digest, trash_id);
