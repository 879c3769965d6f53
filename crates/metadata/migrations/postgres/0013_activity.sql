-- What went on in each hour, for charts: counted by the nodes, and how much there was, measured by one of them.
CREATE TABLE activity (
    -- When the hour began.
    hour    BIGINT PRIMARY KEY,
    pulls   BIGINT NOT NULL,
    pushes  BIGINT NOT NULL,
    -- Bytes of all blobs at some time in it; nobody has looked yet if there are none.
    storage BIGINT
);
