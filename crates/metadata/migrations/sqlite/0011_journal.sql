-- The journal that is kept beside the blobs: keys of the rows that have changed since they were written into it. What the
-- journal says is read when it is written, so that a key that changes twice is written once. Triggers, so that no
-- statement can forget it. The generation tells a change that came after the row was read.

CREATE TABLE journal_change (
    kind TEXT NOT NULL,
    parent INTEGER NOT NULL,
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (kind, parent, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER journal_project_insert AFTER INSERT ON project BEGIN
    INSERT INTO journal_change VALUES ('project', 0, CAST(NEW.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_project_update AFTER UPDATE OF name, public, internal ON project BEGIN
    INSERT INTO journal_change VALUES ('project', 0, CAST(NEW.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_project_delete AFTER DELETE ON project BEGIN
    INSERT INTO journal_change VALUES ('project', 0, CAST(OLD.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_repository_insert AFTER INSERT ON repository BEGIN
    INSERT INTO journal_change VALUES ('repository', 0, CAST(NEW.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_repository_update AFTER UPDATE OF name, project_id ON repository BEGIN
    INSERT INTO journal_change VALUES ('repository', 0, CAST(NEW.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_repository_delete AFTER DELETE ON repository BEGIN
    INSERT INTO journal_change VALUES ('repository', 0, CAST(OLD.id AS TEXT), 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_blob_insert AFTER INSERT ON blob BEGIN
    INSERT INTO journal_change VALUES ('blob', 0, NEW.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_blob_update AFTER UPDATE OF size, location ON blob BEGIN
    INSERT INTO journal_change VALUES ('blob', 0, NEW.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_blob_delete AFTER DELETE ON blob BEGIN
    INSERT INTO journal_change VALUES ('blob', 0, OLD.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_manifest_insert AFTER INSERT ON manifest BEGIN
    INSERT INTO journal_change VALUES ('manifest', NEW.repository_id, NEW.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_manifest_update AFTER UPDATE OF bytes, media_type ON manifest BEGIN
    INSERT INTO journal_change VALUES ('manifest', NEW.repository_id, NEW.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_manifest_delete AFTER DELETE ON manifest BEGIN
    INSERT INTO journal_change VALUES ('manifest', OLD.repository_id, OLD.digest, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_tag_insert AFTER INSERT ON tag BEGIN
    INSERT INTO journal_change VALUES ('tag', NEW.repository_id, NEW.name, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_tag_update AFTER UPDATE OF digest, updated_at ON tag BEGIN
    INSERT INTO journal_change VALUES ('tag', NEW.repository_id, NEW.name, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER journal_tag_delete AFTER DELETE ON tag BEGIN
    INSERT INTO journal_change VALUES ('tag', OLD.repository_id, OLD.name, 1)
        ON CONFLICT (kind, parent, name) DO UPDATE SET generation = generation + 1;
END;
