-- Identity: where people and machines come from, what they may do, and what they did.
-- Lists of permissions are JSON text. Secrets are kept as hashes only.

-- Where people other than the registry's own come from: a directory or an OpenID provider, asked in the order of
-- position. Settings are JSON.
CREATE TABLE identity_source (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('ldap', 'oidc')),
    position INTEGER NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    settings TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The source is empty for the registry's own users, whose password is here; the subject is what the source calls
-- the user: a distinguished name, or the sub claim.
ALTER TABLE user_account ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN subject TEXT;
ALTER TABLE user_account ADD COLUMN comment TEXT NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_account ADD COLUMN signed_in_at INTEGER;
ALTER TABLE user_account ADD COLUMN administrator_by_group INTEGER NOT NULL DEFAULT 0
    CHECK (administrator_by_group IN (0, 1));
CREATE UNIQUE INDEX user_account_by_subject ON user_account (source, subject) WHERE subject IS NOT NULL;

-- Kinds are Harbor's: 1 directory, 2 HTTP, 3 OpenID. The identity is what tells one from another in the form that is
-- compared: the kind with a directory's DN in lower case, or with the name.
CREATE TABLE user_group (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (1, 2, 3)),
    ldap_group_dn TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    identity TEXT NOT NULL UNIQUE
) STRICT;

-- As the source said at the last sign-in.
CREATE TABLE user_group_member (
    user_id INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_group_member_by_group ON user_group_member (group_id, user_id);

-- Roles 1 to 5 are built in; ids of these begin at 100.
CREATE TABLE custom_role (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- A member is a user or a group. Columns keep their names, so that the version before this one goes on reading.
CREATE TABLE member_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id INTEGER REFERENCES user_account (id) ON DELETE CASCADE,
    group_id INTEGER REFERENCES user_group (id) ON DELETE CASCADE,
    role INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    UNIQUE (project_id, user_id),
    UNIQUE (project_id, group_id)
) STRICT;
INSERT INTO member_new (project_id, user_id, role, created_at)
    SELECT project_id, user_id, role, created_at FROM member ORDER BY created_at, project_id, user_id;
DROP TABLE member;
ALTER TABLE member_new RENAME TO member;
CREATE INDEX member_by_user ON member (user_id, project_id) WHERE user_id IS NOT NULL;
CREATE INDEX member_by_group ON member (group_id, project_id) WHERE group_id IS NOT NULL;
CREATE INDEX member_by_role ON member (role) WHERE role >= 100;

-- A role for one repository of a project, or for all whose names begin so, and for the tags of a pattern.
CREATE TABLE repository_grant (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id INTEGER REFERENCES user_account (id) ON DELETE CASCADE,
    group_id INTEGER REFERENCES user_group (id) ON DELETE CASCADE,
    repository TEXT NOT NULL,
    and_below INTEGER NOT NULL CHECK (and_below IN (0, 1)),
    tag_pattern TEXT NOT NULL,
    role INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
) STRICT;
CREATE INDEX repository_grant_by_project ON repository_grant (project_id, id);
CREATE INDEX repository_grant_by_user ON repository_grant (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX repository_grant_by_group ON repository_grant (group_id) WHERE group_id IS NOT NULL;

-- A browser's session. The cookie is kept as its hash; the id is what lists show.
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_by_user ON session (user_id, id);
CREATE INDEX session_by_expiry ON session (expires_at);

-- A person's own token. Permissions are a list, or null for all that its owner may do.
CREATE TABLE personal_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    permissions TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER,
    used_from TEXT,
    UNIQUE (user_id, name)
) STRICT;

-- A machine's account. The name is without prefix and project; a robot of no project is the system's.
CREATE TABLE robot (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    duration_days INTEGER NOT NULL,
    expires_at INTEGER,
    permissions TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX robot_by_project_and_name ON robot (COALESCE(project_id, 0), name);

-- At most two are alive at once: the new one, and the old one until it expires.
CREATE TABLE robot_secret (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    robot_id INTEGER NOT NULL REFERENCES robot (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    UNIQUE (robot_id, hash)
) STRICT;

-- Whose tokens a robot takes in place of a secret: an issuer, an audience, and what the claims must say (JSON).
CREATE TABLE trust_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    robot_id INTEGER NOT NULL REFERENCES robot (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    claims TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    UNIQUE (robot_id, name)
) STRICT;
CREATE INDEX trust_rule_by_issuer ON trust_rule (issuer, id);

-- Failed sign-ins, by account, by address and by both.
CREATE TABLE sign_in_throttle (
    subject TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_throttle_by_time ON sign_in_throttle (failed_at);

-- Signed tokens of a subject (user:1, robot:2, token:3) made before are refused. The id is the clock: a token says
-- the newest one its maker knew. Every node reads the newest rows again and again; a row may go when the tokens it
-- refuses have expired.
CREATE TABLE revocation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX revocation_by_subject ON revocation (subject, id);
CREATE INDEX revocation_by_expiry ON revocation (expires_at);

-- What was done, by whom, through what and from where. Rows are written with the change and sealed soon after.
CREATE TABLE audit_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    through TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    project_id INTEGER,
    resource_type TEXT NOT NULL,
    resource TEXT NOT NULL,
    operation TEXT NOT NULL,
    description TEXT NOT NULL,
    before TEXT,
    after TEXT,
    succeeded INTEGER NOT NULL CHECK (succeeded IN (0, 1)),
    seal INTEGER
) STRICT;
CREATE INDEX audit_event_unsealed ON audit_event (id) WHERE seal IS NULL;
CREATE INDEX audit_event_by_seal ON audit_event (seal, id) WHERE seal IS NOT NULL;
CREATE INDEX audit_event_by_project ON audit_event (project_id, id) WHERE project_id IS NOT NULL;
CREATE INDEX audit_event_by_actor ON audit_event (actor, id);
CREATE INDEX audit_event_by_time ON audit_event (at);

-- A chain: each seal hashes its rows and the seal before it.
CREATE TABLE audit_seal (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    events INTEGER NOT NULL,
    first_event INTEGER NOT NULL,
    last_event INTEGER NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    purged_at INTEGER
) STRICT;

-- Public is for everybody, internal for everybody who is signed in; storage_limit in bytes, none without limit.
ALTER TABLE project ADD COLUMN internal INTEGER NOT NULL DEFAULT 0 CHECK (internal IN (0, 1));
ALTER TABLE project ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE project ADD COLUMN storage_limit INTEGER;

CREATE TABLE project_metadata (
    project_id INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE repository ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE repository ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN pull_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN pulled_at INTEGER;

-- What the API shows of a manifest, written with it. The subject is what it is an accessory of, by its own word or by
-- the tag that older clients give it. The detail (JSON) is what its config says, read when somebody first looks; pulls
-- are written in batches.
CREATE TABLE artifact (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    repository_id INTEGER NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    artifact_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    subject TEXT,
    accessory TEXT,
    pushed_at INTEGER NOT NULL,
    pulled_at INTEGER NOT NULL DEFAULT 0,
    pulls INTEGER NOT NULL DEFAULT 0,
    detail TEXT,
    UNIQUE (repository_id, digest),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest) ON DELETE CASCADE
) STRICT;
CREATE INDEX artifact_by_push ON artifact (repository_id, pushed_at, id) WHERE subject IS NULL;
CREATE INDEX artifact_by_pull ON artifact (repository_id, pulled_at, id) WHERE subject IS NULL;
CREATE INDEX artifact_by_size ON artifact (repository_id, size, id) WHERE subject IS NULL;
CREATE INDEX artifact_by_project ON artifact (project_id, pushed_at, id) WHERE subject IS NULL;
CREATE INDEX artifact_by_subject ON artifact (repository_id, subject, id) WHERE subject IS NOT NULL;
INSERT INTO artifact (project_id, repository_id, digest, kind, media_type, artifact_type, size, subject, accessory,
        pushed_at)
    SELECT r.project_id, m.repository_id, m.digest, '', '', COALESCE(m.artifact_type, ''), m.size, m.subject,
        CASE WHEN m.subject IS NULL THEN NULL ELSE 'subject.accessory' END, m.pushed_at
    FROM manifest m JOIN repository r ON r.id = m.repository_id;
ALTER TABLE tag ADD COLUMN pulled_at INTEGER NOT NULL DEFAULT 0;

-- A label of no project is the system's.
CREATE TABLE label (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    color TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX label_by_project_and_name ON label (COALESCE(project_id, 0), name);

CREATE TABLE artifact_label (
    repository_id INTEGER NOT NULL,
    digest TEXT NOT NULL,
    label_id INTEGER NOT NULL REFERENCES label (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (repository_id, digest, label_id),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_label_by_label ON artifact_label (label_id);
