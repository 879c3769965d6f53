-- The data key, with which the secrets among the rows are sealed, itself sealed for each key-encryption key. What was
-- stored open before is sealed by the first node that starts; an older binary cannot read it then.
CREATE TABLE data_key (
    -- Which key-encryption key opens this row.
    opener     TEXT PRIMARY KEY,
    id         TEXT NOT NULL,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
