-- Foundation: tenants, names, bytes and what ties them together.
-- Times are microseconds since the epoch, digests are 'sha256:…' text: readable in a shell, one form everywhere.

CREATE TABLE user_account (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT UNIQUE,
    full_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    administrator BOOLEAN NOT NULL,
    disabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE project (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    public BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BIGINT REFERENCES user_account (id) ON DELETE SET NULL
);
CREATE INDEX project_by_creator ON project (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE member (
    project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role BIGINT NOT NULL CHECK (role BETWEEN 1 AND 5),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX member_by_user ON member (user_id, project_id);

-- The name is the whole one, project/rest: a pull finds its repository with one key.
CREATE TABLE repository (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES project (id),
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE INDEX repository_by_project ON repository (project_id, name);

-- The location is the blob store's own word for where the bytes are.
CREATE TABLE blob (
    digest TEXT COLLATE "C" PRIMARY KEY,
    size BIGINT NOT NULL CHECK (size >= 0),
    location TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A blob may be pulled from the repositories it is linked to. The reference to blob is what keeps a blob that is
-- being linked from being collected, and one that was collected from being linked.
CREATE TABLE repository_blob (
    repository_id BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest TEXT COLLATE "C" NOT NULL REFERENCES blob (digest),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX repository_blob_by_digest ON repository_blob (digest, repository_id);

-- Bytes that no blob names any more and that are still to be removed.
CREATE TABLE garbage (
    location TEXT COLLATE "C" PRIMARY KEY,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- The bytes are the manifest as it was pushed. They come last, so that the other columns are read without them.
CREATE TABLE manifest (
    repository_id BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest TEXT COLLATE "C" NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    artifact_type TEXT,
    subject TEXT COLLATE "C",
    size BIGINT NOT NULL,
    pushed_at BIGINT NOT NULL,
    pushed_by TEXT NOT NULL,
    annotations TEXT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX manifest_by_subject ON manifest (repository_id, subject, digest) WHERE subject IS NOT NULL;

-- What a manifest needs in its repository.
CREATE TABLE manifest_reference (
    repository_id BIGINT NOT NULL,
    manifest TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (repository_id, manifest, kind, digest),
    FOREIGN KEY (repository_id, manifest) REFERENCES manifest (repository_id, digest) ON DELETE CASCADE
);
CREATE INDEX manifest_reference_by_digest ON manifest_reference (repository_id, digest);

CREATE TABLE tag (
    repository_id BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest)
);
CREATE INDEX tag_by_digest ON tag (repository_id, digest, name);

-- What a tag pointed to, in the order of the commits; it outlives the tag and what it pointed to.
CREATE TABLE tag_history (
    repository_id BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    done_by TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('put', 'delete')),
    digest TEXT NOT NULL,
    PRIMARY KEY (repository_id, name, sequence)
);

-- An upload that is under way. Whoever holds its lease writes; the fence counts the holders, and a save under an
-- old fence is refused. Takeovers counts those who went on after a lease had run out, whose holder may still write.
-- The digest is set before bytes are published under it. An upload that expires at 0 is closed: its bytes go next.
CREATE TABLE upload (
    id TEXT COLLATE "C" PRIMARY KEY,
    repository_id BIGINT NOT NULL REFERENCES repository (id),
    owner TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    digest TEXT,
    received BIGINT NOT NULL,
    hash_state BYTEA NOT NULL,
    parts TEXT NOT NULL,
    fence BIGINT NOT NULL,
    takeovers BIGINT NOT NULL,
    holder TEXT,
    leased_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX upload_by_owner ON upload (owner, expires_at);
CREATE INDEX upload_by_repository ON upload (repository_id);

CREATE TABLE signing_key (
    id TEXT COLLATE "C" PRIMARY KEY,
    private_der BYTEA NOT NULL,
    public_der BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    sign_from BIGINT NOT NULL,
    sign_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Only the hash of a token is kept: rows that leak sign nobody in.
CREATE TABLE refresh_token (
    hash BYTEA PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX refresh_token_by_user ON refresh_token (user_id);
CREATE INDEX refresh_token_by_expiry ON refresh_token (expires_at);

CREATE TABLE lease (
    name TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE setting (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);
