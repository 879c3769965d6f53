-- Quotas: what a project is charged for, each digest once, and the running sum in pieces that pushes do not share.

-- A blob or manifest that a project is charged for, in however many of its repositories it is. There is no reference to
-- project, whose row every push would have to lock.
CREATE TABLE charge (
    project_id BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (project_id, digest)
);
INSERT INTO charge (project_id, digest, size)
    SELECT r.project_id, b.digest, b.size FROM repository r
        JOIN repository_blob l ON l.repository_id = r.id JOIN blob b ON b.digest = l.digest
    UNION
    SELECT r.project_id, m.digest, m.size FROM repository r JOIN manifest m ON m.repository_id = r.id;
CREATE INDEX manifest_by_digest ON manifest (digest, repository_id);

-- The sum of used is the sum of the project's charges. A slot is locked by one transaction at a time, and whoever adds
-- takes any that is free. The credit is what may be added in the slot without asking the others; null without a limit.
CREATE TABLE project_usage (
    project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    slot BIGINT NOT NULL,
    used BIGINT NOT NULL,
    credit BIGINT,
    PRIMARY KEY (project_id, slot)
);
INSERT INTO project_usage (project_id, slot, used, credit)
    SELECT p.id, 0, CAST(COALESCE((SELECT SUM(c.size) FROM charge c WHERE c.project_id = p.id), 0) AS BIGINT),
        CASE WHEN p.storage_limit IS NULL THEN NULL ELSE 0 END
    FROM project p;
