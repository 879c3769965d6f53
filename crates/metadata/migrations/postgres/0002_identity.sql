-- Identity: where people and machines come from, what they may do, and what they did.
-- Lists of permissions are JSON text. Secrets are kept as hashes only.

-- Where people other than the registry's own come from: a directory or an OpenID provider, asked in the order of
-- position. Settings are JSON.
CREATE TABLE identity_source (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('ldap', 'oidc')),
    position BIGINT NOT NULL,
    enabled BOOLEAN NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The source is empty for the registry's own users, whose password is here; the subject is what the source calls
-- the user: a distinguished name, or the sub claim.
ALTER TABLE user_account ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN subject TEXT COLLATE "C";
ALTER TABLE user_account ADD COLUMN comment TEXT NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE user_account ADD COLUMN signed_in_at BIGINT;
ALTER TABLE user_account ADD COLUMN administrator_by_group BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX user_account_by_subject ON user_account (source, subject) WHERE subject IS NOT NULL;

-- Kinds are Harbor's: 1 directory, 2 HTTP, 3 OpenID. The identity is what tells one from another in the form that is
-- compared: the kind with a directory's DN in lower case, or with the name.
CREATE TABLE user_group (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    kind BIGINT NOT NULL CHECK (kind IN (1, 2, 3)),
    ldap_group_dn TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    identity TEXT COLLATE "C" NOT NULL UNIQUE
);

-- As the source said at the last sign-in.
CREATE TABLE user_group_member (
    user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    group_id BIGINT NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX user_group_member_by_group ON user_group_member (group_id, user_id);

-- Roles 1 to 5 are built in; ids of these begin at 100.
CREATE TABLE custom_role (
    id BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- A member is a user or a group. Columns keep their names, so that the version before this one goes on reading.
ALTER TABLE member DROP CONSTRAINT member_pkey;
ALTER TABLE member DROP CONSTRAINT member_role_check;
ALTER TABLE member ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE member ADD COLUMN id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
ALTER TABLE member ADD COLUMN group_id BIGINT REFERENCES user_group (id) ON DELETE CASCADE;
ALTER TABLE member ADD CHECK ((user_id IS NULL) <> (group_id IS NULL));
ALTER TABLE member ADD UNIQUE (project_id, user_id);
ALTER TABLE member ADD UNIQUE (project_id, group_id);
CREATE INDEX member_by_group ON member (group_id, project_id) WHERE group_id IS NOT NULL;
CREATE INDEX member_by_role ON member (role) WHERE role >= 100;

-- A role for one repository of a project, or for all whose names begin so, and for the tags of a pattern.
CREATE TABLE repository_grant (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id BIGINT REFERENCES user_account (id) ON DELETE CASCADE,
    group_id BIGINT REFERENCES user_group (id) ON DELETE CASCADE,
    repository TEXT COLLATE "C" NOT NULL,
    and_below BOOLEAN NOT NULL,
    tag_pattern TEXT NOT NULL,
    role BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
);
CREATE INDEX repository_grant_by_project ON repository_grant (project_id, id);
CREATE INDEX repository_grant_by_user ON repository_grant (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX repository_grant_by_group ON repository_grant (group_id) WHERE group_id IS NOT NULL;

-- A browser's session. The cookie is kept as its hash; the id is what lists show.
CREATE TABLE session (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_by_user ON session (user_id, id);
CREATE INDEX session_by_expiry ON session (expires_at);

-- A person's own token. Permissions are a list, or null for all that its owner may do.
CREATE TABLE personal_token (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    permissions TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at BIGINT,
    used_from TEXT,
    UNIQUE (user_id, name)
);

-- A machine's account. The name is without prefix and project; a robot of no project is the system's.
CREATE TABLE robot (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT REFERENCES project (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    duration_days BIGINT NOT NULL,
    expires_at BIGINT,
    permissions TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE UNIQUE INDEX robot_by_project_and_name ON robot (COALESCE(project_id, 0), name);

-- At most two are alive at once: the new one, and the old one until it expires.
CREATE TABLE robot_secret (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    robot_id BIGINT NOT NULL REFERENCES robot (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    UNIQUE (robot_id, hash)
);

-- Whose tokens a robot takes in place of a secret: an issuer, an audience, and what the claims must say (JSON).
CREATE TABLE trust_rule (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    robot_id BIGINT NOT NULL REFERENCES robot (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    claims TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    UNIQUE (robot_id, name)
);
CREATE INDEX trust_rule_by_issuer ON trust_rule (issuer, id);

-- Failed sign-ins, by account, by address and by both.
CREATE TABLE sign_in_throttle (
    subject TEXT COLLATE "C" PRIMARY KEY,
    failures BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX sign_in_throttle_by_time ON sign_in_throttle (failed_at);

-- Signed tokens of a subject (user:1, robot:2, token:3) made before are refused. The id is the clock: a token says
-- the newest one its maker knew. Every node reads the newest rows again and again; a row may go when the tokens it
-- refuses have expired.
CREATE TABLE revocation (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revocation_by_subject ON revocation (subject, id);
CREATE INDEX revocation_by_expiry ON revocation (expires_at);

-- What was done, by whom, through what and from where. Rows are written with the change and sealed soon after.
CREATE TABLE audit_event (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    actor_kind TEXT NOT NULL,
    through TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    project_id BIGINT,
    resource_type TEXT NOT NULL,
    resource TEXT NOT NULL,
    operation TEXT NOT NULL,
    description TEXT NOT NULL,
    before TEXT,
    after TEXT,
    succeeded BOOLEAN NOT NULL,
    seal BIGINT
);
CREATE INDEX audit_event_unsealed ON audit_event (id) WHERE seal IS NULL;
CREATE INDEX audit_event_by_seal ON audit_event (seal, id) WHERE seal IS NOT NULL;
CREATE INDEX audit_event_by_project ON audit_event (project_id, id) WHERE project_id IS NOT NULL;
CREATE INDEX audit_event_by_actor ON audit_event (actor, id);
CREATE INDEX audit_event_by_time ON audit_event (at);

-- A chain: each seal hashes its rows and the seal before it.
CREATE TABLE audit_seal (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    events BIGINT NOT NULL,
    first_event BIGINT NOT NULL,
    last_event BIGINT NOT NULL,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    purged_at BIGINT
);

-- Public is for everybody, internal for everybody who is signed in; storage_limit in bytes, none without limit.
ALTER TABLE project ADD COLUMN internal BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE project ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE project ADD COLUMN storage_limit BIGINT;

CREATE TABLE project_metadata (
    project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project_id, name)
);

ALTER TABLE repository ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE repository ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN pull_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN pulled_at BIGINT;

-- What the API shows of a manifest, written with it. The subject is what it is an accessory of, by its own word or by
-- the tag that older clients give it. The detail (JSON) is what its config says, read when somebody first looks; pulls
-- are written in batches.
CREATE TABLE artifact (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL,
    repository_id BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    artifact_type TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    subject TEXT COLLATE "C",
    accessory TEXT COLLATE "C",
    pushed_at BIGINT NOT NULL,
    pulled_at BIGINT NOT NULL DEFAULT 0,
    pulls BIGINT NOT NULL DEFAULT 0,
    detail TEXT,
    UNIQUE (repository_id, digest),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest) ON DELETE CASCADE
);
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
ALTER TABLE tag ADD COLUMN pulled_at BIGINT NOT NULL DEFAULT 0;

-- A label of no project is the system's.
CREATE TABLE label (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT REFERENCES project (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    color TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX label_by_project_and_name ON label (COALESCE(project_id, 0), name);

CREATE TABLE artifact_label (
    repository_id BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    label_id BIGINT NOT NULL REFERENCES label (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest, label_id),
    FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest) ON DELETE CASCADE
);
CREATE INDEX artifact_label_by_label ON artifact_label (label_id);
