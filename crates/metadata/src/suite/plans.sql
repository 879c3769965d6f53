-- A registry that grows: the artifacts numbered FIRST to LAST of one repository, and what belongs to them.
SET LOCAL session_replication_role = replica;
INSERT INTO project (name, public, created_at) SELECT 'team' || NUMBER, FALSE, 1 FROM generate_series(FIRST, LAST) n;
INSERT INTO user_account (name, full_name, password_hash, administrator, disabled, created_at)
    SELECT 'alice' || NUMBER, '', '', FALSE, FALSE, 1 FROM generate_series(FIRST, LAST) n;
INSERT INTO repository (project_id, name, created_at) SELECT 1, 'team/app' || NUMBER, 1 FROM generate_series(FIRST, LAST) n;
INSERT INTO blob SELECT 'd' || NUMBER, 1, 'at/' || NUMBER, 1 FROM generate_series(FIRST, LAST) n;
INSERT INTO repository_blob SELECT 1, 'd' || NUMBER, 1, 1 FROM generate_series(FIRST, LAST) n;
INSERT INTO repository_blob SELECT n + 1, 'd', 1, 1 FROM generate_series(FIRST, LAST) n;
INSERT INTO manifest (repository_id, digest, media_type, kind, subject, size, pushed_at, pushed_by, annotations, bytes)
    SELECT 1, 'd' || NUMBER, 'm', 'manifest', CASE WHEN n % 2 = 0 THEN 'd' || (n / 2) END, 1, n, 'alice', '{}', '{}'
    FROM generate_series(FIRST, LAST) n;
INSERT INTO manifest_reference SELECT 1, 'd' || NUMBER, 'layer', 'd' || NUMBER FROM generate_series(FIRST, LAST) n;
INSERT INTO artifact (project_id, repository_id, digest, kind, media_type, artifact_type, size, pushed_at)
    SELECT 1, 1, 'd' || NUMBER, 'IMAGE', 'm', '', n, n FROM generate_series(FIRST, LAST) n;
INSERT INTO tag SELECT 1, 'v' || n, 'd' || NUMBER, n, 'alice', 0 FROM generate_series(FIRST, LAST) n;
INSERT INTO tag_history SELECT 1, 'v' || n, 1, n, 'alice', 'put', 'd' || NUMBER FROM generate_series(FIRST, LAST) n;
INSERT INTO charge SELECT 1, 'd' || NUMBER, 1 FROM generate_series(FIRST, LAST) n;
INSERT INTO upload SELECT 'u' || NUMBER, 1, 'alice' || NUMBER, 'sha256', NULL, 0, '', '', 0, 0, NULL, 0, 1, 9 FROM generate_series(FIRST, LAST) n;
INSERT INTO job (kind, payload, state, priority, run_after, max_attempts, cause, created_by, created_at)
    SELECT 'garbage_collection', '{}', 'succeeded', 1, n, 1, 'manual', 'alice', n FROM generate_series(FIRST, LAST) n;
SET LOCAL session_replication_role = DEFAULT;
