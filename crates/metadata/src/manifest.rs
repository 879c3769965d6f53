//! Manifests: kept byte for byte in their rows, so that a pull is one read.

use std::collections::HashSet;

use hythe_oci::digest::Digest;
use hythe_oci::manifest::{Kind, ReferenceKind};
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;

use crate::artifact::{self, About};
use crate::charge;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, Row};
use crate::error::Result;
use crate::ids::{Micros, RepositoryId};
use crate::tag;
use crate::trash::{self, Deletion};

/// A row of `manifest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The repository it is in.
    pub repository_id: RepositoryId,
    /// The digest of its bytes.
    pub digest: Digest,
    /// What it is served as.
    pub media_type: String,
    /// What it is, in the words of [`Kind::as_str`].
    pub kind: String,
    /// Its type for the referrers API: `artifactType`, else the config's media type.
    pub artifact_type: Option<String>,
    /// The manifest that it refers to, which need not exist.
    pub subject: Option<Digest>,
    /// The number of its bytes.
    pub size: u64,
    /// When it was first pushed here.
    pub pushed_at: Micros,
    /// Who pushed it.
    pub pushed_by: String,
    /// Its annotations as a JSON object.
    pub annotations_json: String,
    /// Itself, as it was pushed.
    pub bytes: Vec<u8>,
}

/// A manifest to be inserted.
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// The repository it goes into.
    pub repository_id: RepositoryId,
    /// The digest of its bytes.
    pub digest: Digest,
    /// What it is to be served as.
    pub media_type: String,
    /// Its type for the referrers API: `artifactType`, else the config's media type.
    pub artifact_type: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// The number of its bytes.
    pub size: u64,
    /// Itself, as it was pushed.
    pub bytes: Vec<u8>,
    /// The manifest that it refers to.
    pub subject: Option<Digest>,
    /// Its annotations as a JSON object.
    pub annotations_json: String,
    /// What it is to those who look at it.
    pub about: About,
    /// Now.
    pub pushed_at: Micros,
    /// Who pushes it.
    pub pushed_by: String,
}

/// What a pull answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The digest of the bytes.
    pub digest: Digest,
    /// What to serve them as.
    pub media_type: String,
    /// The manifest, as it was pushed.
    pub bytes: Vec<u8>,
}

/// What the referrers API lists of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The digest of the referring manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// `artifactType`, else the config's media type.
    pub artifact_type: Option<String>,
    /// The number of its bytes.
    pub size: u64,
    /// Its annotations as a JSON object.
    pub annotations_json: String,
}

/// Inserts a manifest and what it needs; true if it is new. One that is there stays as it is: same digest, same
/// bytes. Either way it cannot be deleted until the transaction ends, so that tags may be put on it.
pub async fn insert(
    c: &mut Connection,
    new: &NewManifest,
    references: &[(ReferenceKind, Digest)],
) -> Result<bool> {
    let arguments = [
        new.repository_id.into(),
        (&new.digest).into(),
        (&new.media_type).into(),
        new.kind.as_str().into(),
        new.artifact_type.as_ref().into(),
        new.subject.as_ref().into(),
        new.size.into(),
        new.pushed_at.into(),
        (&new.pushed_by).into(),
        (&new.annotations_json).into(),
        (&new.bytes).into(),
    ];
    loop {
        if c.changes(&INSERT, &arguments).await? {
            insert_references(c, new.repository_id, &new.digest, references).await?;
            charge_for(c, new, references).await?;
            artifact::insert(c, new.repository_id, &new.digest, &new.about, new.pushed_at).await?;
            return Ok(true);
        }
        // It may have been deleted between the two statements; then there is room for the new one.
        if missing(c, new.repository_id, &[new.digest]).await?.is_empty() {
            if new.about.accessory.is_some() {
                artifact::insert(c, new.repository_id, &new.digest, &new.about, new.pushed_at).await?;
            }
            return Ok(false);
        }
    }
}

/// The manifest and the blobs that it names; its parts are charged for as manifests.
async fn charge_for(
    c: &mut Connection,
    new: &NewManifest,
    references: &[(ReferenceKind, Digest)],
) -> Result<()> {
    let blobs = references.iter().filter(|(kind, _)| *kind != ReferenceKind::Manifest);
    let blobs: Vec<Digest> = blobs.map(|(_, digest)| *digest).collect();
    if !blobs.is_empty() {
        charge::blobs(c, new.repository_id, &blobs).await?;
    }
    charge::manifest(c, new.repository_id, &new.digest, new.size).await
}

async fn insert_references(
    c: &mut Connection,
    repository_id: RepositoryId,
    manifest: &Digest,
    references: &[(ReferenceKind, Digest)],
) -> Result<()> {
    for kind in [ReferenceKind::Config, ReferenceKind::Layer, ReferenceKind::Manifest] {
        let digests: Vec<_> = references.iter().filter(|(of, _)| *of == kind).map(|(_, to)| *to).collect();
        if !digests.is_empty() {
            let arguments =
                [repository_id.into(), manifest.into(), kind.as_str().into(), value::list(&digests)];
            c.execute(&INSERT_REFERENCES, &arguments).await?;
        }
    }
    Ok(())
}

/// The manifest of this digest in the repository.
pub async fn find(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
) -> Result<Option<Manifest>> {
    c.query_optional(&FIND, &[repository_id.into(), digest.into()]).await
}

/// What the tag points to, in one read.
pub async fn pull_by_tag(
    c: &mut Connection,
    repository: &RepositoryName,
    tag: &Tag,
) -> Result<Option<Pulled>> {
    c.query_optional(&PULL_BY_TAG, &[repository.into(), tag.into()]).await
}

/// The manifest of this digest, in one read.
pub async fn pull_by_digest(
    c: &mut Connection,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Pulled>> {
    c.query_optional(&PULL_BY_DIGEST, &[repository.into(), digest.into()]).await
}

/// Indexes of the repository that name this manifest, `limit` at most.
pub async fn list_parents(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    limit: u32,
) -> Result<Vec<Digest>> {
    c.query(&LIST_PARENTS, &[repository_id.into(), digest.into(), limit.into()]).await
}

/// Those of `digests` that are no manifests of the repository, in their order. In a transaction those that are
/// there cannot be deleted until it ends.
pub async fn missing(
    c: &mut Connection,
    repository_id: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<Digest>> {
    let present: Vec<Digest> = c.query(&PRESENT, &[repository_id.into(), value::list(digests)]).await?;
    let present: HashSet<Digest> = present.into_iter().collect();
    Ok(digests.iter().filter(|digest| !present.contains(digest)).copied().collect())
}

/// Locks a manifest that is to be deleted; false if it does not exist. A tag that is being put on it waits for the end of
/// the transaction, and then finds nothing to point to.
pub async fn lock(c: &mut Connection, repository_id: RepositoryId, digest: &Digest) -> Result<bool> {
    let locked = c.query_optional::<Digest>(&LOCK, &[repository_id.into(), digest.into()]).await?;
    Ok(locked.is_some())
}

/// Moves a manifest to the trash with its references and the tags that point to it, each with an event in its history;
/// false if it does not exist.
pub async fn delete(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    deletion: &Deletion,
) -> Result<bool> {
    if !lock(c, repository_id, digest).await? {
        return Ok(false);
    }
    trash::put_manifest(c, repository_id, digest, deletion).await?;
    tag::delete_by_digest(c, repository_id, digest, deletion).await?;
    let charged = charge::of_manifests(c, repository_id, &[*digest]).await?;
    let deleted = c.changes(&DELETE, &[repository_id.into(), digest.into()]).await?;
    charge::release(c, repository_id, &charged).await?;
    Ok(deleted)
}

/// A page of the manifests of the repository that refer to `subject`, by digest, after `after`; only those of the
/// given artifact types, if any are given. It ends with the one that makes their sizes reach `most_bytes`: what they
/// are listed with, annotations above all, is a part of them.
pub async fn referrers(
    c: &mut Connection,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_types: &[String],
    after: Option<Digest>,
    limit: u32,
    most_bytes: u64,
) -> Result<Vec<Referrer>> {
    let after = after.map(|digest| digest.to_string()).unwrap_or_default();
    let arguments = [
        repository.into(),
        subject.into(),
        after.into(),
        limit.into(),
        most_bytes.into(),
        value::list(artifact_types),
    ];
    let statement = if artifact_types.is_empty() { &REFERRERS } else { &REFERRERS_OF_TYPE };
    let used = if artifact_types.is_empty() { &arguments[..5] } else { &arguments[..] };
    let mut page: Vec<Referrer> = c.query(statement, used).await?;
    // They come in this order; to ask the engine for it would make it sort them once more.
    page.sort_unstable_by_key(|referrer| referrer.digest);
    Ok(page)
}

impl FromRow for Manifest {
    fn from_row(row: &mut Row) -> Result<Manifest> {
        Ok(Manifest {
            repository_id: row.take("repository_id")?,
            digest: row.take("digest")?,
            media_type: row.take("media_type")?,
            kind: row.take("kind")?,
            artifact_type: row.take("artifact_type")?,
            subject: row.take("subject")?,
            size: row.take("size")?,
            pushed_at: row.take("pushed_at")?,
            pushed_by: row.take("pushed_by")?,
            annotations_json: row.take("annotations")?,
            bytes: row.take("bytes")?,
        })
    }
}

impl FromRow for Pulled {
    fn from_row(row: &mut Row) -> Result<Pulled> {
        Ok(Pulled {
            digest: row.take("digest")?,
            media_type: row.take("media_type")?,
            bytes: row.take("bytes")?,
        })
    }
}

impl FromRow for Referrer {
    fn from_row(row: &mut Row) -> Result<Referrer> {
        Ok(Referrer {
            digest: row.take("digest")?,
            media_type: row.take("media_type")?,
            artifact_type: row.take("artifact_type")?,
            size: row.take("size")?,
            annotations_json: row.take("annotations")?,
        })
    }
}

statements! { "manifest";
    INSERT = "INSERT INTO manifest (repository_id, digest, media_type, kind, artifact_type, subject, size,
            pushed_at, pushed_by, annotations, bytes)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
    INSERT_REFERENCES = {
        sqlite: "INSERT INTO manifest_reference (repository_id, manifest, kind, digest)
            SELECT $1, $2, $3, value FROM json_each($4) WHERE TRUE ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO manifest_reference (repository_id, manifest, kind, digest)
            SELECT $1, $2, $3, jsonb_array_elements_text($4::text::jsonb) ON CONFLICT DO NOTHING",
    };
    FIND = "SELECT repository_id, digest, media_type, kind, artifact_type, subject, size, pushed_at, pushed_by,
            annotations, bytes
        FROM manifest WHERE repository_id = $1 AND digest = $2";
    PULL_BY_TAG = "SELECT m.digest, m.media_type, m.bytes FROM repository r
        JOIN tag t ON t.repository_id = r.id
        JOIN manifest m ON m.repository_id = t.repository_id AND m.digest = t.digest
        WHERE r.name = $1 AND t.name = $2";
    PULL_BY_DIGEST = "SELECT m.digest, m.media_type, m.bytes FROM repository r
        JOIN manifest m ON m.repository_id = r.id WHERE r.name = $1 AND m.digest = $2";
    PRESENT = {
        sqlite: "SELECT digest AS value FROM manifest
            WHERE repository_id = $1 AND digest IN (SELECT value FROM json_each($2))",
        postgres: "SELECT digest AS value FROM manifest
            WHERE repository_id = $1 AND digest = ANY (ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb)))
            ORDER BY digest FOR KEY SHARE",
    };
    LIST_PARENTS = "SELECT manifest AS value FROM manifest_reference
        WHERE repository_id = $1 AND digest = $2 LIMIT $3";
    LOCK = {
        sqlite: "SELECT digest AS value FROM manifest WHERE repository_id = $1 AND digest = $2",
        postgres: "SELECT digest AS value FROM manifest WHERE repository_id = $1 AND digest = $2 FOR UPDATE",
    };
    DELETE = "DELETE FROM manifest WHERE repository_id = $1 AND digest = $2";
    REFERRERS = "SELECT digest, media_type, artifact_type, size, annotations FROM (
            SELECT digest, media_type, artifact_type, size, annotations,
                CAST(SUM(size) OVER (ORDER BY digest) - size AS BIGINT) AS ahead
            FROM (SELECT digest, media_type, artifact_type, size, annotations FROM manifest
                WHERE repository_id = (SELECT id FROM repository WHERE name = $1) AND subject = $2 AND digest > $3
                ORDER BY digest LIMIT $4) found) page
        WHERE ahead < $5";
    REFERRERS_OF_TYPE = {
        sqlite: "SELECT digest, media_type, artifact_type, size, annotations FROM (
                SELECT digest, media_type, artifact_type, size, annotations,
                    CAST(SUM(size) OVER (ORDER BY digest) - size AS BIGINT) AS ahead
                FROM (SELECT digest, media_type, artifact_type, size, annotations FROM manifest
                    WHERE repository_id = (SELECT id FROM repository WHERE name = $1) AND subject = $2 AND digest > $3
                        AND artifact_type IN (SELECT value FROM json_each($6))
                    ORDER BY digest LIMIT $4) found) page
            WHERE ahead < $5",
        postgres: "SELECT digest, media_type, artifact_type, size, annotations FROM (
                SELECT digest, media_type, artifact_type, size, annotations,
                    CAST(SUM(size) OVER (ORDER BY digest) - size AS BIGINT) AS ahead
                FROM (SELECT digest, media_type, artifact_type, size, annotations FROM manifest
                    WHERE repository_id = (SELECT id FROM repository WHERE name = $1) AND subject = $2 AND digest > $3
                        AND artifact_type = ANY (ARRAY(SELECT jsonb_array_elements_text($6::text::jsonb)))
                    ORDER BY digest LIMIT $4) found) page
            WHERE ahead < $5",
    };
}
