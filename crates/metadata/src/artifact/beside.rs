//! What is shown beside artifacts: their tags, their accessories, the parts of indexes; of a whole page at once.

use hythe_oci::digest::Digest;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;
use crate::window::Window;

/// Tags, accessories or parts of all artifacts of one page that are read.
const MOST: u32 = 20_000;

/// A tag of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagOf {
    /// The artifact.
    pub artifact_id: i64,
    /// The tag.
    pub name: String,
    /// When it was made to point to the artifact.
    pub pushed_at: Micros,
    /// When it was pulled last; 0 for never.
    pub pulled_at: Micros,
}

/// An artifact that belongs to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessoryOf {
    /// What it belongs to.
    pub subject_id: i64,
    /// Its own id.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
    /// Harbor's word for what it is.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// When it was pushed.
    pub pushed_at: Micros,
}

/// A part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartOf {
    /// The index.
    pub index_id: i64,
    /// The part.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
}

/// The tags of these artifacts, by artifact, in the order of their names.
pub async fn tags_of(c: &mut Connection, artifacts: &[i64]) -> Result<Vec<TagOf>> {
    let mut tags: Vec<TagOf> = c.query(&TAGS_OF, &[value::list(artifacts), MOST.into()]).await?;
    tags.sort_by(|one, other| (one.artifact_id, &one.name).cmp(&(other.artifact_id, &other.name)));
    Ok(tags)
}

/// The accessories of these artifacts, by artifact, in the order of their arrival.
pub async fn accessories_of(c: &mut Connection, artifacts: &[i64]) -> Result<Vec<AccessoryOf>> {
    let arguments = [value::list(artifacts), MOST.into()];
    let mut accessories: Vec<AccessoryOf> = c.query(&ACCESSORIES_OF, &arguments).await?;
    accessories.sort_by_key(|accessory| (accessory.subject_id, accessory.id));
    Ok(accessories)
}

/// A page of one artifact's accessories in the order of their arrival, after the one with the id `window.after`.
pub async fn list_accessories(
    c: &mut Connection,
    artifact: i64,
    window: Window<i64>,
) -> Result<Vec<AccessoryOf>> {
    let arguments = [artifact.into(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST_ACCESSORIES, &arguments).await
}

/// How many accessories an artifact has, counted up to `most`.
pub async fn count_accessories(c: &mut Connection, artifact: i64, most: i64) -> Result<i64> {
    c.query_one(&COUNT_ACCESSORIES, &[artifact.into(), most.into()]).await
}

/// The manifests of these indexes that are in their repository.
pub async fn parts_of(c: &mut Connection, artifacts: &[i64]) -> Result<Vec<PartOf>> {
    c.query(&PARTS_OF, &[value::list(artifacts), MOST.into()]).await
}

impl FromRow for TagOf {
    fn from_row(row: &mut Row) -> Result<TagOf> {
        Ok(TagOf {
            artifact_id: row.take("artifact_id")?,
            name: row.take("name")?,
            pushed_at: row.take("updated_at")?,
            pulled_at: row.take("pulled_at")?,
        })
    }
}

impl FromRow for AccessoryOf {
    fn from_row(row: &mut Row) -> Result<AccessoryOf> {
        Ok(AccessoryOf {
            subject_id: row.take("subject_id")?,
            id: row.take("id")?,
            digest: row.take("digest")?,
            kind: row.take("accessory")?,
            size: row.take("size")?,
            pushed_at: row.take("pushed_at")?,
        })
    }
}

impl FromRow for PartOf {
    fn from_row(row: &mut Row) -> Result<PartOf> {
        Ok(PartOf { index_id: row.take("index_id")?, id: row.take("id")?, digest: row.take("digest")? })
    }
}

statements! { "artifact";
    TAGS_OF = {
        sqlite: "SELECT a.id AS artifact_id, t.name, t.updated_at, t.pulled_at FROM json_each($1) l
            CROSS JOIN artifact a CROSS JOIN tag t
            WHERE a.id = CAST(l.value AS INTEGER) AND t.repository_id = a.repository_id AND t.digest = a.digest
            LIMIT $2",
        postgres: "SELECT a.id AS artifact_id, t.name, t.updated_at, t.pulled_at FROM artifact a
            JOIN tag t ON t.repository_id = a.repository_id AND t.digest = a.digest
            WHERE a.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)::bigint))
            LIMIT $2",
    };
    ACCESSORIES_OF = {
        sqlite: "SELECT s.id AS subject_id, a.id, a.digest, a.accessory, a.size, a.pushed_at FROM json_each($1) l
            CROSS JOIN artifact s CROSS JOIN artifact a
            WHERE s.id = CAST(l.value AS INTEGER) AND a.repository_id = s.repository_id AND a.subject = s.digest
            LIMIT $2",
        postgres: "SELECT s.id AS subject_id, a.id, a.digest, a.accessory, a.size, a.pushed_at FROM artifact s
            JOIN artifact a ON a.repository_id = s.repository_id AND a.subject = s.digest
            WHERE s.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)::bigint))
            LIMIT $2",
    };
    LIST_ACCESSORIES = "SELECT s.id AS subject_id, a.id, a.digest, a.accessory, a.size, a.pushed_at FROM artifact s
        CROSS JOIN artifact a
        WHERE s.id = $1 AND a.repository_id = s.repository_id AND a.subject = s.digest AND a.id > $2
        ORDER BY a.id LIMIT $3 OFFSET $4";
    COUNT_ACCESSORIES = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM artifact s
        JOIN artifact a ON a.repository_id = s.repository_id AND a.subject = s.digest WHERE s.id = $1 LIMIT $2) counted";
    PARTS_OF = {
        sqlite: "SELECT s.id AS index_id, a.id, a.digest FROM json_each($1) l
            CROSS JOIN artifact s CROSS JOIN manifest_reference p CROSS JOIN artifact a
            WHERE s.id = CAST(l.value AS INTEGER)
                AND p.repository_id = s.repository_id AND p.manifest = s.digest AND p.kind = 'manifest'
                AND a.repository_id = p.repository_id AND a.digest = p.digest LIMIT $2",
        postgres: "SELECT s.id AS index_id, a.id, a.digest FROM artifact s
            JOIN manifest_reference p ON p.repository_id = s.repository_id AND p.manifest = s.digest
            JOIN artifact a ON a.repository_id = p.repository_id AND a.digest = p.digest
            WHERE s.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)::bigint))
                AND p.kind = 'manifest' LIMIT $2",
    };
}
