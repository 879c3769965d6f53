-- Three million blobs in one repository that nothing needs, all pushed long ago. HEXADECIMAL is 64 digits of `n`, in the
-- words of the engine.
BEGIN;
INSERT INTO repository (project_id, name, created_at) SELECT id, 'library/garbage', 1 FROM project WHERE name = 'library';
WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 3000000)
INSERT INTO blob (digest, size, location, created_at)
    SELECT 'sha256:' || HEXADECIMAL, 1, 'blobs/nowhere/' || n, 1 FROM numbers;
INSERT INTO repository_blob (repository_id, digest, created_at, touched_at)
    SELECT r.id, b.digest, 1, 1 FROM repository r, blob b
    WHERE r.name = 'library/garbage' AND b.location LIKE 'blobs/nowhere/%';
-- What the journal tells of them it has told long ago.
DELETE FROM journal_change;
COMMIT;
ANALYZE;
