//! Charges: the blobs and manifests that count towards a project's quota, each digest once in however many of the
//! project's repositories it is.
//!
//! A project is charged for a blob from its upload or mount on, and for a manifest with all of its blobs from its push
//! on. It is no longer charged for what a manifest needed once no manifest of the project needs it any more: deleting an
//! image makes room at once, though garbage collection takes the bytes later. What a transaction charges and releases
//! is noted on its connection, and [`usage::settle`](crate::usage::settle) adds it to the project's sum as the last step
//! before the commit.

use std::collections::HashSet;

use hythe_oci::digest::Digest;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, Row};
use crate::error::Result;
use crate::ids::{ProjectId, RepositoryId};

/// Digests that one statement is given.
const TOGETHER: usize = 1000;

/// How often a charge that others release at the same moment is made again.
const ATTEMPTS: usize = 3;

/// What a statement charged or released.
struct Changed {
    project_id: ProjectId,
    digest: Digest,
    size: i64,
}

/// Charges the repository's project for blobs that are linked to the repository; those it is charged for already stay
/// charged until the transaction ends.
pub(crate) async fn blobs(c: &mut Connection, repository_id: RepositoryId, digests: &[Digest]) -> Result<()> {
    let mut wanted = digests.to_vec();
    for _ in 0..ATTEMPTS {
        wanted = unpinned(c, repository_id, wanted).await?;
        if wanted.is_empty() {
            break;
        }
        let arguments = [repository_id.into(), value::list(&wanted)];
        let made: Vec<Changed> = c.query(&CREATE_FOR_BLOBS, &arguments).await?;
        let made = add(c, made);
        wanted.retain(|digest| !made.contains(digest));
    }
    Ok(())
}

/// Charges the repository's project for a blob that was just linked to the repository, and most likely is new to both.
pub(crate) async fn blob(c: &mut Connection, repository_id: RepositoryId, digest: &Digest) -> Result<()> {
    let list = [*digest];
    for _ in 0..ATTEMPTS {
        let made: Vec<Changed> =
            c.query(&CREATE_FOR_BLOBS, &[repository_id.into(), value::list(&list)]).await?;
        if !add(c, made).is_empty() || unpinned(c, repository_id, list.to_vec()).await?.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Charges the repository's project for a manifest of the repository.
pub(crate) async fn manifest(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    size: u64,
) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let arguments = [repository_id.into(), digest.into(), size.into()];
        let made: Vec<Changed> = c.query(&CREATE, &arguments).await?;
        if !add(c, made).is_empty() || unpinned(c, repository_id, vec![*digest]).await?.is_empty() {
            break;
        }
    }
    Ok(())
}

/// After manifests or links of the repository have gone: takes back the charges for those of `digests` that no manifest
/// of its project is or needs any more.
pub async fn release(c: &mut Connection, repository_id: RepositoryId, digests: &[Digest]) -> Result<()> {
    for digests in digests.chunks(TOGETHER) {
        let arguments = [repository_id.into(), value::list(digests)];
        // Whoever charges for the same pins the rows; what they need is seen by the next statement.
        let _locked: Vec<Digest> = c.query(&LOCK, &arguments).await?;
        let gone: Vec<Changed> = c.query(&RELEASE, &arguments).await?;
        for charge in gone {
            c.charge(charge.project_id, -charge.size);
        }
    }
    Ok(())
}

/// What manifests of the repository are charged for: themselves and what they name.
pub(crate) async fn of_manifests(
    c: &mut Connection,
    repository_id: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<Digest>> {
    let named: Vec<Digest> = c.query(&NAMED_BY, &[repository_id.into(), value::list(digests)]).await?;
    Ok(digests.iter().copied().chain(named).collect())
}

/// Blobs that are linked to a repository.
pub(crate) async fn of_links(c: &mut Connection, repository_id: RepositoryId) -> Result<Vec<Digest>> {
    c.query(&OF_LINKS, &[repository_id.into()]).await
}

/// Takes back all charges of a project that is about to go.
pub(crate) async fn delete_all(c: &mut Connection, project_id: ProjectId) -> Result<()> {
    c.execute(&DELETE_ALL, &[project_id.into()]).await.map(|_| ())
}

/// A page of the repositories of a project that hold something it ought to be charged for and is not, with what it is.
pub async fn missing(
    c: &mut Connection,
    project_id: ProjectId,
    limit: u32,
) -> Result<Vec<(RepositoryId, Digest)>> {
    let found: Vec<Missing> = c.query(&MISSING, &[project_id.into(), limit.into()]).await?;
    Ok(found.into_iter().map(|missing| (missing.repository_id, missing.digest)).collect())
}

/// Charges for what [`missing`] found, a blob or a manifest, and leaves the sum to
/// [`usage::correct`](crate::usage::correct), which no limit refuses.
pub async fn create(c: &mut Connection, repository_id: RepositoryId, digest: &Digest) -> Result<()> {
    let size: Option<i64> =
        c.query_optional(&SIZE_OF_MANIFEST, &[repository_id.into(), digest.into()]).await?;
    match size.and_then(|size| u64::try_from(size).ok()) {
        Some(size) => manifest(c, repository_id, digest, size).await?,
        None => blobs(c, repository_id, &[*digest]).await?,
    }
    c.take_charges();
    Ok(())
}

/// Takes back charges, `limit` at most, for what is in no repository of the project; how many there were. It leaves the sum
/// to [`usage::correct`](crate::usage::correct).
pub async fn release_stale(c: &mut Connection, project_id: ProjectId, limit: u32) -> Result<usize> {
    let stale: Vec<Digest> = c.query(&STALE, &[project_id.into(), limit.into()]).await?;
    let arguments = [project_id.into(), value::list(&stale)];
    let _locked: Vec<Digest> = c.query(&LOCK_OF_PROJECT, &arguments).await?;
    let gone: Vec<Digest> = c.query(&RELEASE_STALE, &arguments).await?;
    Ok(gone.len())
}

/// Those of `digests` that the project is not charged for; the charges for the others stay until the transaction ends.
async fn unpinned(
    c: &mut Connection,
    repository_id: RepositoryId,
    digests: Vec<Digest>,
) -> Result<Vec<Digest>> {
    let pinned: Vec<Digest> = c.query(&PIN, &[repository_id.into(), value::list(&digests)]).await?;
    let pinned: HashSet<Digest> = pinned.into_iter().collect();
    Ok(digests.into_iter().filter(|digest| !pinned.contains(digest)).collect())
}

fn add(c: &mut Connection, made: Vec<Changed>) -> HashSet<Digest> {
    made.into_iter()
        .map(|charge| {
            c.charge(charge.project_id, charge.size);
            charge.digest
        })
        .collect()
}

impl FromRow for Changed {
    fn from_row(row: &mut Row) -> Result<Changed> {
        Ok(Changed {
            project_id: row.take("project_id")?,
            digest: row.take("digest")?,
            size: row.take("size")?,
        })
    }
}

struct Missing {
    repository_id: RepositoryId,
    digest: Digest,
}

impl FromRow for Missing {
    fn from_row(row: &mut Row) -> Result<Missing> {
        Ok(Missing { repository_id: row.take("repository_id")?, digest: row.take("digest")? })
    }
}

/// The project of the repository `$1`.
macro_rules! project {
    () => {
        "(SELECT r.project_id FROM repository r WHERE r.id = $1)"
    };
}

/// No manifest of the project of charge `c` is this digest or names a linked blob of it.
macro_rules! needless {
    () => {
        " NOT EXISTS (SELECT 1 FROM manifest m JOIN repository r ON r.id = m.repository_id
                WHERE m.digest = c.digest AND r.project_id = c.project_id)
            AND NOT EXISTS (SELECT 1 FROM repository_blob l JOIN repository r ON r.id = l.repository_id
                JOIN manifest_reference f ON f.repository_id = l.repository_id AND f.digest = l.digest
                WHERE l.digest = c.digest AND r.project_id = c.project_id)"
    };
}

/// The charge `c` is for what is in no repository of its project.
macro_rules! stale {
    () => {
        " NOT EXISTS (SELECT 1 FROM manifest m JOIN repository r ON r.id = m.repository_id
                WHERE m.digest = c.digest AND r.project_id = c.project_id)
            AND NOT EXISTS (SELECT 1 FROM repository_blob l JOIN repository r ON r.id = l.repository_id
                WHERE l.digest = c.digest AND r.project_id = c.project_id)"
    };
}

macro_rules! listed_in_sqlite {
    () => {
        " IN (SELECT value FROM json_each($2)) "
    };
}

macro_rules! listed_in_postgres {
    () => {
        " = ANY (ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb))) "
    };
}

statements! { "charge";
    PIN = {
        sqlite: ("SELECT digest AS value FROM charge WHERE project_id = ", project!(),
            " AND digest", listed_in_sqlite!()),
        postgres: ("SELECT digest AS value FROM charge WHERE project_id = ", project!(),
            " AND digest", listed_in_postgres!(), "ORDER BY digest FOR KEY SHARE"),
    };
    CREATE = ("INSERT INTO charge (project_id, digest, size)
        SELECT r.project_id, $2, $3 FROM repository r WHERE r.id = $1
        ON CONFLICT DO NOTHING RETURNING project_id, digest, size");
    CREATE_FOR_BLOBS = {
        sqlite: ("INSERT INTO charge (project_id, digest, size)
            SELECT r.project_id, b.digest, b.size FROM repository r
                JOIN repository_blob l ON l.repository_id = r.id JOIN blob b ON b.digest = l.digest
            WHERE r.id = $1 AND l.digest", listed_in_sqlite!(), "ORDER BY b.digest
            ON CONFLICT DO NOTHING RETURNING project_id, digest, size"),
        postgres: ("INSERT INTO charge (project_id, digest, size)
            SELECT r.project_id, b.digest, b.size FROM repository r
                JOIN repository_blob l ON l.repository_id = r.id JOIN blob b ON b.digest = l.digest
            WHERE r.id = $1 AND l.digest", listed_in_postgres!(), "ORDER BY b.digest
            ON CONFLICT DO NOTHING RETURNING project_id, digest, size"),
    };
    LOCK = {
        sqlite: ("SELECT digest AS value FROM charge WHERE project_id = ", project!(),
            " AND digest", listed_in_sqlite!()),
        postgres: ("SELECT digest AS value FROM charge WHERE project_id = ", project!(),
            " AND digest", listed_in_postgres!(), "ORDER BY digest FOR UPDATE"),
    };
    RELEASE = {
        sqlite: ("DELETE FROM charge AS c WHERE c.project_id = ", project!(), " AND c.digest", listed_in_sqlite!(),
            "AND", needless!(), " RETURNING project_id, digest, size"),
        postgres: ("DELETE FROM charge AS c WHERE c.project_id = ", project!(), " AND c.digest",
            listed_in_postgres!(), "AND", needless!(), " RETURNING project_id, digest, size"),
    };
    LOCK_OF_PROJECT = {
        sqlite: ("SELECT digest AS value FROM charge WHERE project_id = $1 AND digest", listed_in_sqlite!()),
        postgres: ("SELECT digest AS value FROM charge WHERE project_id = $1 AND digest", listed_in_postgres!(),
            "ORDER BY digest FOR UPDATE"),
    };
    RELEASE_STALE = {
        sqlite: ("DELETE FROM charge AS c WHERE c.project_id = $1 AND c.digest", listed_in_sqlite!(),
            "AND", stale!(), " RETURNING digest AS value"),
        postgres: ("DELETE FROM charge AS c WHERE c.project_id = $1 AND c.digest", listed_in_postgres!(),
            "AND", stale!(), " RETURNING digest AS value"),
    };
    NAMED_BY = {
        sqlite: ("SELECT DISTINCT digest AS value FROM manifest_reference WHERE repository_id = $1
            AND manifest", listed_in_sqlite!()),
        postgres: ("SELECT DISTINCT digest AS value FROM manifest_reference WHERE repository_id = $1
            AND manifest", listed_in_postgres!()),
    };
    OF_LINKS = "SELECT digest AS value FROM repository_blob WHERE repository_id = $1";
    DELETE_ALL = "DELETE FROM charge WHERE project_id = $1";
    STALE = ("SELECT c.digest AS value FROM charge c WHERE c.project_id = $1 AND", stale!(), " LIMIT $2");
    MISSING = "SELECT m.repository_id, m.digest FROM repository r JOIN manifest m ON m.repository_id = r.id
        WHERE r.project_id = $1
            AND NOT EXISTS (SELECT 1 FROM charge c WHERE c.project_id = $1 AND c.digest = m.digest)
        UNION
        SELECT l.repository_id, l.digest FROM repository r JOIN repository_blob l ON l.repository_id = r.id
        WHERE r.project_id = $1
            AND NOT EXISTS (SELECT 1 FROM charge c WHERE c.project_id = $1 AND c.digest = l.digest)
            AND EXISTS (SELECT 1 FROM manifest_reference f
                WHERE f.repository_id = l.repository_id AND f.digest = l.digest)
        LIMIT $2";
    SIZE_OF_MANIFEST = "SELECT size AS value FROM manifest WHERE repository_id = $1 AND digest = $2";
}
