//! What is used: the bytes a project and the whole registry hold, for quotas and statistics.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::error::Result;
use crate::ids::ProjectId;

/// Bytes of a project: each of its blobs once, in however many of its repositories it is, and its manifests.
pub async fn of_project(c: &mut Connection, id: ProjectId) -> Result<i64> {
    c.query_one(&OF_PROJECT, &[id.into()]).await
}

/// Bytes of all blobs, each once.
pub async fn of_all(c: &mut Connection) -> Result<i64> {
    c.query_one(&OF_ALL, &[]).await
}

statements! { "usage";
    OF_PROJECT = "SELECT CAST(COALESCE((SELECT SUM(b.size) FROM blob b WHERE b.digest IN
            (SELECT l.digest FROM repository r JOIN repository_blob l ON l.repository_id = r.id
                WHERE r.project_id = $1)), 0)
        + COALESCE((SELECT SUM(m.size) FROM repository r JOIN manifest m ON m.repository_id = r.id
            WHERE r.project_id = $1), 0) AS BIGINT) AS value";
    OF_ALL = "SELECT CAST(COALESCE((SELECT SUM(size) FROM blob), 0) AS BIGINT) AS value";
}
