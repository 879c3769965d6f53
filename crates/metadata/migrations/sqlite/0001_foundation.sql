-- Foundation: tenants, names, bytes and what ties them together.
-- Tables of short rows are WITHOUT ROWID: one tree, read in the order of its key.
-- Times are microseconds since the epoch, digests are 'sha256:…' text: readable in a shell, one form everywhere.

CREATE TABLE user_account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    email TEXT UNIQUE,
    full_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    administrator INTEGER NOT NULL CHECK (administrator IN (0, 1)),
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE project (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    public INTEGER NOT NULL CHECK (public IN (0, 1)),
    created_at INTEGER NOT NULL,
    created_by INTEGER REFERENCES user_account (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX project_by_creator ON project (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE member (
    project_id INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 5),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_by_user ON member (user_id, project_id);

-- The name is the whole one, project/rest: a pull finds its repository with one key.
CREATE TABLE repository (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id),
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX repository_by_project ON repository (project_id, name);

-- The location is the blob store's own word for where the bytes are.
CREATE TABLE blob (
    digest TEXT PRIMARY KEY,
    size INTEGER NOT NULL CHECK (size >= 0),
    location TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A blob may be pulled from the repositories it is linked to. The reference to blob is what keeps a blob that is
-- being linked from being collected, and one that was collected from being linked.
CREATE TABLE repository_blob (
    repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest TEXT NOT NULL REFERENCES blob (digest),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_blob_by_digest ON repository_blob (digest, repository_id);

-- Bytes that no blob names any more and that are still to be removed.
CREATE TABLE garbage (
    location TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The bytes are the manifest as it was pushed. They come last, so that the other columns are read without them.
CREATE TABLE manifest (
    repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    artifact_type TEXT,
    subject TEXT,
    size INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL,
    pushed_by TEXT NOT NULL,
    annotations TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (repository_id, digest)
) STRICT;
CREATE INDEX manifest_by_subject ON manifest (repository_id, subject, digest) WHERE subject IS NOT NULL;

-- What a manifest needs in its repository.
CREATE TABLE manifest_reference (
    repository_id INTEGER NOT NULL,
    manifest TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (repository_id, manifest, kind, digest),
    FOREIGN KEY (repository_id, manifest) REFERENCES manifest (repository_id, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_reference_by_digest ON manifest_reference (repository_id, digest);

CREATE TABLE tag (
    repository_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_digest ON tag (repository_id, digest, name);

-- What a tag pointed to, in the order of the commits; it outlives the tag and what it pointed to.
CREATE TABLE tag_history (
    repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    done_by TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('put', 'delete')),
    digest TEXT NOT NULL,
    PRIMARY KEY (repository_id, name, sequence)
) STRICT, WITHOUT ROWID;

-- An upload that is under way. Whoever holds its lease writes; the fence counts the holders, and a save under an
-- old fence is refused. Takeovers counts those who went on after a lease had run out, whose holder may still write.
-- The digest is set before bytes are published under it. An upload that expires at 0 is closed: its bytes go next.
CREATE TABLE upload (
    id TEXT NOT NULL PRIMARY KEY,
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    owner TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    digest TEXT,
    received INTEGER NOT NULL,
    hash_state BLOB NOT NULL,
    parts TEXT NOT NULL,
    fence INTEGER NOT NULL,
    takeovers INTEGER NOT NULL,
    holder TEXT,
    leased_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX upload_by_owner ON upload (owner, expires_at);
CREATE INDEX upload_by_repository ON upload (repository_id);

CREATE TABLE signing_key (
    id TEXT NOT NULL PRIMARY KEY,
    private_der BLOB NOT NULL,
    public_der BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    sign_from INTEGER NOT NULL,
    sign_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Only the hash of a token is kept: rows that leak sign nobody in.
CREATE TABLE refresh_token (
    hash BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_by_user ON refresh_token (user_id);
CREATE INDEX refresh_token_by_expiry ON refresh_token (expires_at);

CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
