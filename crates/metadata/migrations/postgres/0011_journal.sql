-- The journal that is kept beside the blobs: keys of the rows that have changed since they were written into it. What the
-- journal says is read when it is written, so that a key that changes twice is written once. Triggers, so that no
-- statement can forget it. The generation tells a change that came after the row was read.

CREATE TABLE journal_change (
    kind TEXT COLLATE "C" NOT NULL,
    parent BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (kind, parent, name)
);

CREATE FUNCTION journal_project() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed project;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    INSERT INTO journal_change AS c VALUES ('project', 0, CAST(changed.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = c.generation + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_project AFTER INSERT OR DELETE OR UPDATE OF name, public, internal ON project
    FOR EACH ROW EXECUTE FUNCTION journal_project();
CREATE FUNCTION journal_repository() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed repository;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    INSERT INTO journal_change AS c VALUES ('repository', 0, CAST(changed.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = c.generation + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_repository AFTER INSERT OR DELETE OR UPDATE OF name, project_id ON repository
    FOR EACH ROW EXECUTE FUNCTION journal_repository();
CREATE FUNCTION journal_blob() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed blob;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    INSERT INTO journal_change AS c VALUES ('blob', 0, changed.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = c.generation + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_blob AFTER INSERT OR DELETE OR UPDATE OF size, location ON blob
    FOR EACH ROW EXECUTE FUNCTION journal_blob();
CREATE FUNCTION journal_manifest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed manifest;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    INSERT INTO journal_change AS c VALUES ('manifest', changed.repository_id, changed.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = c.generation + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_manifest AFTER INSERT OR DELETE OR UPDATE OF bytes, media_type ON manifest
    FOR EACH ROW EXECUTE FUNCTION journal_manifest();
CREATE FUNCTION journal_tag() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed tag;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    INSERT INTO journal_change AS c VALUES ('tag', changed.repository_id, changed.name, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = c.generation + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_tag AFTER INSERT OR DELETE OR UPDATE OF digest, updated_at ON tag
    FOR EACH ROW EXECUTE FUNCTION journal_tag();
