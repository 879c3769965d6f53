-- Audit of the storage: rows are read in the order in which storage lists what it has.

CREATE INDEX blob_by_location ON blob (location);
